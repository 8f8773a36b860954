"""The re-mail rule once more, one ledger at a time, written from the rule's own words and from no SQL."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

REFUSALS = ("withdraw", "block")
CHANNELS, PURPOSES, OPT_IN_ONLY = {"email"}, {"marketing_email", "personalisation"}, {"personalisation"}
# a block is of the person; these are of the address, and two of them end when somebody confirms from there
OF_THE_ADDRESS = {"hard_bounce", "gone_from_esp", "role_address", "trap_address"}
UNTIL_CONFIRMED = {"hard_bounce", "gone_from_esp"}
CONFIRMED, PROVEN = {"double_opt_in"}, {"double_opt_in", "single_opt_in"}
CLOCKS = timedelta(minutes=5)


@dataclass(frozen=True)
class Law:
    """What a place asks; `confirmed` and `opt_in` say which proof, months say how long something else does."""

    confirmed: bool = True
    opt_in: bool = True
    after_purchase: int = 0
    after_inquiry: int = 0
    soft: int = 0


LAWS = {
    None: Law(),
    "DE": Law(),
    "FR": Law(confirmed=False, soft=24),
    "GB": Law(confirmed=False, soft=24),
    "CA": Law(confirmed=False, after_purchase=24, after_inquiry=6),
    "AU": Law(confirmed=False),
    "US": Law(confirmed=False, opt_in=False),
}


@dataclass
class World:
    """One ledger: who has which records and mailboxes, what was said, and by which law."""

    law: Law
    acts: list[Mapping[str, Any]] = field(default_factory=list)
    person_of: dict[str, str] = field(default_factory=dict)
    uses: set[tuple[str, str]] = field(default_factory=set)

    def mailboxes_of(self, people: Iterable[str]) -> set[str]:
        return {mailbox for person, mailbox in self.uses if person in set(people)}


def allows(world: World, mailbox: str, purpose: str, brand: str, now: datetime) -> bool:
    """Whether somebody may be written to by e-mail, at `now` (UTC, naive)."""
    heard = [act for act in world.acts if _reaches(world, act, mailbox) and _is_about(act, purpose, brand)]
    withdrawals = [_time(act) for act in heard if act["act"] == "withdraw"]
    may_say_yes = [act for act in heard if _stands_after(act, withdrawals)]
    confirmations = [time for act in may_say_yes if act["proof"] in CONFIRMED and (time := _time(act)) is not None]
    for block in (act for act in heard if act["act"] == "block"):
        if block["reason"] not in UNTIL_CONFIRMED:
            return False
        bounced = _time(block)
        if bounced is None or not any(confirmed > bounced for confirmed in confirmations):
            return False
    if withdrawals and not may_say_yes:
        return False
    law = world.law
    if not law.opt_in and purpose not in OPT_IN_ONLY:
        # the regime of objections: to have the address is enough
        return any(act["act"] in ("grant", "state", "imply", "collect") for act in heard)
    enough = CONFIRMED if law.confirmed else PROVEN
    if any(act["proof"] in enough for act in may_say_yes):
        return True
    if withdrawals:
        return False
    if any(act["act"] == "state" and act["proof"] in enough for act in heard):
        return True
    return purpose not in OPT_IN_ONLY and any(_is_implied(act, law, now) for act in heard if act["act"] == "imply")


def _reaches(world: World, act: Mapping[str, Any], mailbox: str) -> bool:
    if act["mailbox"] == mailbox:
        return True
    if act["act"] not in REFUSALS or (act["act"] == "block" and act["reason"] in OF_THE_ADDRESS):
        return False
    if act["record_key"] in world.person_of:
        people = {world.person_of[act["record_key"]]}
    else:
        people = {person for person, used in world.uses if used == act["mailbox"]}
    return mailbox in world.mailboxes_of(people)


def _is_about(act: Mapping[str, Any], purpose: str, brand: str) -> bool:
    refuses = act["act"] in REFUSALS
    channel = act["channel"] == "email" or (refuses and act["channel"] not in CHANNELS)
    about = act["purpose"] in ("*", purpose) or (refuses and act["purpose"] not in PURPOSES)
    return channel and about and act["brand"] in ("*", brand)


def _time(act: Mapping[str, Any]) -> datetime | None:
    return None if act["occurred_at"] is None else min(act["occurred_at"], act["received_at"] + CLOCKS)


def _stands_after(act: Mapping[str, Any], withdrawals: list[datetime | None]) -> bool:
    """A proven act of the person, later than every withdrawal; an unknown time on either side is not later."""
    if act["act"] != "grant" or act["proof"] not in PROVEN:
        return False
    said = _time(act)
    return all(said is not None and withdrawn is not None and said > withdrawn for withdrawn in withdrawals)


def _is_implied(act: Mapping[str, Any], law: Law, now: datetime) -> bool:
    months = {
        "inquiry": law.after_inquiry,
        "purchase": law.after_purchase,
        "purchase_with_opt_out": max(law.after_purchase, law.soft),
    }[act["reason"]]
    said = _time(act)
    return bool(months) and said is not None and _months_later(said, months) >= now


def _months_later(moment: datetime, months: int) -> datetime:
    """The same day and time so many months on; the last day of a month that has no such day."""
    years, month = divmod(moment.month - 1 + months, 12)
    for day in range(moment.day, 0, -1):
        try:
            return moment.replace(year=moment.year + years, month=month + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")
