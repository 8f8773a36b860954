"""Acts of consent as they happened, and the re-mail rule in plain Python: what the project's SQL is held against."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MOST_SKEW = timedelta(minutes=5)
# country -> whose proof is asked for, months after a purchase that count as consent; '' is a country nobody knows
PROOF_NEEDED = {"DE": 2, "FR": 1, "CA": 1, "US": 0, "": 2}
STRICTEST_FIRST = ("", "DE", "FR", "CA", "US")
PURCHASE_MONTHS = {"CA": 24}
OPT_IN_ONLY = {"research", "profiling"}
PURPOSES = ("marketing_email", "research", "profiling")
# blocks that only a confirmed opt-in clears, and that are of one address; every other is of the person and for ever
OF_THE_ADDRESS = {"hard_bounce", "gone_from_esp", "role_address", "trap_address"}
CLEARED_BY_CONFIRMING = {"hard_bounce", "gone_from_esp"}


@dataclass(frozen=True, slots=True)
class Act:
    """`mailbox` in wide form; `speaker` is the record that tells of it, '' for what the inbox took.

    `known_at` is when Mailhouse had it on disk (inbox), or when the build took it in (everything else).
    """

    event_id: str
    act: str
    mailbox: str
    address: str
    purpose: str
    reason: str
    proof: str | None
    occurred_at: datetime | None
    known_at: datetime
    speaker: str = ""

    @property
    def effective_at(self) -> datetime | None:
        return self.occurred_at and min(self.occurred_at, self.known_at + MOST_SKEW)

    def about(self, purpose: str) -> bool:
        return self.purpose in ("*", purpose) or (self.purpose not in PURPOSES and self.act in ("withdraw", "block"))


@dataclass
class People:
    """Who uses which mailbox: customer -> mailboxes, and back; record -> customer; mailbox -> countries of its users."""

    mailboxes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    users: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    customers: dict[str, str] = field(default_factory=dict)
    countries: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def reached(self, mailbox: str) -> set[str]:
        """Every mailbox of everybody who uses this one, and itself."""
        return {mailbox, *(box for customer in self.users.get(mailbox, ()) for box in self.mailboxes[customer])}

    def country(self, mailbox: str) -> str:
        """The strictest country of those who use a mailbox."""
        there = self.countries.get(mailbox) or {""}
        return min(there, key=STRICTEST_FIRST.index)


class Ledger:
    """Acts by the mailbox that they name and by the customers who are heard in them."""

    def __init__(self, acts: Iterable[Act], people: People) -> None:
        self._people = people
        self._named: dict[str, list[Act]] = defaultdict(list)
        self._of_customer: dict[str, list[Act]] = defaultdict(list)
        for act in acts:
            self.hear(act)

    def hear(self, act: Act) -> None:
        """Take one more act."""
        self._named[act.mailbox].append(act)
        if act.act == "withdraw" or (act.act == "block" and act.reason not in OF_THE_ADDRESS):
            told_by = self._people.customers.get(act.speaker)
            for customer in [told_by] if told_by else self._people.users.get(act.mailbox, ()):
                self._of_customer[customer].append(act)

    def acts(self, mailbox: str) -> list[Act]:
        """Every act that reaches a mailbox: its own, and the refusals of all who use it."""
        found = {act.event_id: act for act in self._named.get(mailbox, ())}
        for customer in self._people.users.get(mailbox, ()):
            found |= {act.event_id: act for act in self._of_customer.get(customer, ())}
        return list(found.values())

    def allows(self, mailbox: str, purpose: str, now: datetime) -> bool:
        """The re-mail rule, on all acts heard so far."""
        return decide(self.acts(mailbox), purpose, self._people.country(mailbox), now)


def decide(reaching: list[Act], purpose: str, country: str, now: datetime) -> bool:
    """The re-mail rule, on the acts that reach a mailbox in some country."""
    acts = [act for act in reaching if act.about(purpose)]
    proven = [act for act in acts if act.act == "grant" and act.proof and act.effective_at]
    refusals = [act for act in acts if act.act == "withdraw"]
    last_grant = max((act.effective_at for act in proven), default=None)
    if any(act.effective_at is None or last_grant is None or last_grant <= act.effective_at for act in refusals):
        return False
    needed = max(PROOF_NEEDED[country], 1 if purpose in OPT_IN_ONLY else 0)
    latest_no = max((act.effective_at for act in refusals), default=None)
    newer = [act for act in proven if latest_no is None or act.effective_at > latest_no]
    if any(_blocks(act, newer) for act in acts if act.act == "block"):
        return False
    if needed == 0:
        return bool(newer) if refusals else any(act.act in ("grant", "state", "imply", "collect") for act in acts)
    if any(_rank(act) >= needed for act in newer):
        return True
    if refusals:
        return False
    # of an unknown time: it beats no refusal, and needs beat none
    if any(act.act in ("grant", "state") and _rank(act) >= needed for act in acts):
        return True
    months = 0 if purpose in OPT_IN_ONLY else PURCHASE_MONTHS.get(country, 0)
    return any(
        act.act == "imply" and months and act.effective_at and _months_later(act.effective_at, months) >= now for act in acts
    )


def _blocks(block: Act, grants: list[Act]) -> bool:
    """Whether a block still holds: most do for ever, some until the address is confirmed anew; `grants` are those that stand."""
    if block.reason not in CLEARED_BY_CONFIRMING or block.effective_at is None:
        return True
    return not any(act.effective_at > block.effective_at for act in grants if act.proof == "double_opt_in")


def _rank(act: Act) -> int:
    return {"double_opt_in": 2, "single_opt_in": 1}.get(act.proof or "", 0)


def _months_later(moment: datetime, months: int) -> datetime:
    # whole years only, which is all that the policies used here have
    year = moment.year + months // 12
    return moment.replace(year=year, day=28) if (moment.month, moment.day) == (2, 29) else moment.replace(year=year)
