"""Phone numbers: distinct per person, possible in the country, and where the country keeps some for fiction, from those."""

from functools import lru_cache

import phonenumbers

# (prefix, free digits): ranges that national regulators keep for drama, else mobile ranges
_GB = (113, 114, 115, 116, 117, 118, 121, 131, 141, 151, 161)
_US = (212, 310, 312, 415, 503, 512, 602, 617, 702, 713, 720, 786, 801, 808, 813, 901, 904, 907, 914, 916, 919, 949, 954, 972)
_CA = (204, 250, 306, 403, 416, 418, 506, 514, 519, 604, 613, 647, 705, 709, 780, 807, 819, 902, 905)
PLANS: dict[str, tuple[tuple[str, int], ...]] = {
    "GB": (*((f"+44{area}4960", 3) for area in _GB), ("+442079460", 3), ("+441914980", 3), ("+447911", 6)),
    "US": (*((f"+1{area}55501", 2) for area in _US), ("+1628555", 4), ("+1726", 7)),
    "CA": (*((f"+1{area}55501", 2) for area in _CA), ("+1437", 7)),
    "DE": (("+493023125", 4), ("+496990009", 4), ("+494066969", 4), ("+492214710", 4), ("+498999998", 4), ("+4915", 9)),
    "FR": (("+33199", 6), ("+332619", 5), ("+333530", 5), ("+334657", 5), ("+335364", 5)),
    "NL": (("+316", 8),),
    "AT": (("+43664", 7),),
    "CH": (("+4179", 7),),
    "AU": (("+61491", 6),),
    "IE": (("+35385", 7),),
}
_STRIDE = 7_919  # a prime that divides no power of ten: consecutive people do not get consecutive numbers


@lru_cache(maxsize=256)
def _plan(country: str) -> tuple[tuple[str, int], ...]:
    if country in PLANS:
        return PLANS[country]
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        return PLANS["GB"]
    text = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    free = min(6, len(text) - 5)
    return ((text[:-free], free),)


class PhoneBook:
    """Gives each number out once; `given` says how many of each plan are gone, and goes into the sandbox's state."""

    def __init__(self, given: dict[str, int] | None = None) -> None:
        self.given = dict(given or {})

    def next(self, country: str | None) -> str | None:
        """The next E.164 number of a country; None when its plan is used up."""
        code = country or "GB"
        # countries without a plan of their own borrow one, and must then count together
        key = _plan(code)[0][0]
        rest = self.given.get(key, 0)
        for prefix, digits in _plan(code):
            room = 10**digits
            if rest < room:
                self.given[key] = self.given.get(key, 0) + 1
                return f"{prefix}{(rest * _STRIDE + 4_321) % room:0{digits}d}"
            rest -= room
        return None


def written(phone: str, style: int) -> str:
    """The same number as people type it: 0 as it is, 1 with spaces, 2 with 00, 3 the national way."""
    if style == 0:
        return phone
    if style == 2 and not phone.startswith(("+1", "+61")):
        return "00" + phone[1:]  # who dials out by another prefix does not write it so
    number = phonenumbers.parse(phone)
    form = phonenumbers.PhoneNumberFormat.INTERNATIONAL if style != 3 else phonenumbers.PhoneNumberFormat.NATIONAL
    return phonenumbers.format_number(number, form)
