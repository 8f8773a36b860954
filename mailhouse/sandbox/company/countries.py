"""Where the company's people live: its markets, their languages, and the ISO code of a country written by name."""

import re
import unicodedata
from dataclasses import dataclass

from faker.providers.date_time import Provider as CountryList


@dataclass(frozen=True)
class Market:
    """A country with its share of the people and the Faker locale of its names."""

    code: str
    share: int
    locale: str
    language: str


MARKETS = (
    Market("GB", 25, "en_GB", "en"),
    Market("US", 23, "en_US", "en"),
    Market("DE", 18, "de_DE", "de"),
    Market("FR", 10, "fr_FR", "fr"),
    Market("NL", 7, "nl_NL", "nl"),
    Market("CA", 6, "en_CA", "en"),
    Market("AT", 4, "de_AT", "de"),
    Market("AU", 4, "en_AU", "en"),
    Market("CH", 2, "de_CH", "de"),
    Market("IE", 1, "en_IE", "en"),
)
OTHER_LOCALES = {
    "BE": ("nl_NL", "nl"),
    "LU": ("fr_FR", "fr"),
    "ES": ("es_ES", "es"),
    "IT": ("it_IT", "it"),
    "PT": ("pt_PT", "pt"),
    "SE": ("sv_SE", "sv"),
    "NO": ("no_NO", "no"),
    "DK": ("da_DK", "da"),
    "FI": ("fi_FI", "fi"),
    "PL": ("pl_PL", "pl"),
}
DOUBLE_OPT_IN = frozenset({"DE", "AT", "CH"})

# written in shop exports, and neither ISO names nor codes
ALIASES = {
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "usa": "US",
    "united states": "US",
    "united states of america": "US",
    "america": "US",
    "eire": "IE",
    "republic of ireland": "IE",
    "ireland": "IE",
    "channel islands": "JE",
    "jersey": "JE",
    "guernsey": "GG",
    "isle of man": "IM",
    "holland": "NL",
    "the netherlands": "NL",
    "czechia": "CZ",
    "czech republic": "CZ",
    "rsa": "ZA",
    "south korea": "KR",
    "korea": "KR",
    "russia": "RU",
    "russian federation": "RU",
    "vietnam": "VN",
    "viet nam": "VN",
    "taiwan": "TW",
    "hong kong": "HK",
    "uae": "AE",
    "turkiye": "TR",
    "deutschland": "DE",
    "osterreich": "AT",
    "schweiz": "CH",
}
# some exports count these as countries; nobody lives there
NO_COUNTRY = frozenset({"unspecified", "unknown", "european community", "none", "n/a", "other"})


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z/ ]+", " ", plain).strip()


_BY_NAME = {_folded(country.name): country.alpha_2_code for country in CountryList.countries} | ALIASES
_BY_ALPHA_3 = {country.alpha_3_code: country.alpha_2_code for country in CountryList.countries}
CODES = frozenset(_BY_NAME.values()) | {market.code for market in MARKETS}


def country_code(name: str | None) -> str | None:
    """The ISO 3166 alpha-2 code of a country given by name or code; None when there is none to be known."""
    if name is None or not name.strip():
        return None
    text = name.strip().upper()
    if len(text) == 2 and text in CODES:
        return text
    if text in _BY_ALPHA_3:
        return _BY_ALPHA_3[text]
    folded = _folded(name)
    return None if folded in NO_COUNTRY else _BY_NAME.get(folded)


def locale_of(code: str | None) -> tuple[str, str]:
    """The Faker locale and the language of a country; English where we have none of its own."""
    for market in MARKETS:
        if market.code == code:
            return market.locale, market.language
    return OTHER_LOCALES.get(code or "", ("en_GB", "en"))
