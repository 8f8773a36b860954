"""What each person agreed to, when, where and with which proof, and when they took it back.

One history a person; the systems then each know their part of it, so that they contradict each other as real ones do.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from mailhouse.sandbox.company.calendar import between, some_days_later
from mailhouse.sandbox.company.countries import DOUBLE_OPT_IN
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.schedule import Campaign
from mailhouse.sandbox.company.state import Company

SHARE_OPT_IN = {"buyer": 0.76, "stranger": 0.80}
SHARE_CONFIRMED = 0.80  # of those who opted in where a double opt-in is the law
SHARE_WITHDRAWN, SHARE_BOUNCED, SHARE_COMPLAINED = 0.13, 0.035, 0.010
REASONS = (
    "N/A (Unsubscribed by the subscriber)",
    "NORMAL: No longer interested",
    "NOSIGNUP: Did not sign up for the list",
    "INAPPROPRIATE: Emails are inappropriate",
    "OTHER: Too many mails",
)


@dataclass(slots=True)
class Consent:
    """A person's history with marketing mail; `member` is the status on the list, None when not on it."""

    granted_at: datetime | None = None
    channel: str = ""  # form | shop | crm | import
    confirmed: bool = False  # by the link in a mail
    withdrawn_at: datetime | None = None
    withdrawn_in: str = ""  # campaign | list | shop | crm
    campaign: Campaign | None = None  # the one that ended it: unsubscribe, bounce or complaint
    reason: str = ""
    granted_again_at: datetime | None = None  # in the shop, after a withdrawal
    member: str | None = None
    listed_at: datetime | None = None
    ended: str = ""  # unsubscribed | cleaned | complained
    ended_at: datetime | None = None


def decide(company: Company, rng: Random, person: Person, campaigns: list[Campaign]) -> Consent:
    """One person's history, from the first contact to the present."""
    consent = Consent()
    now = company.calendar.now
    listed_only = not person.in_crm and not person.in_shop
    if listed_only or rng.random() < SHARE_OPT_IN["buyer" if person.is_buyer else "stranger"]:
        _grant(company, rng, person, consent, listed_only)
    _enlist(rng, person, consent, listed_only, now)
    if consent.granted_at is not None or consent.member is not None:
        _end(rng, person, consent, campaigns, now)
    return consent


def _grant(company: Company, rng: Random, person: Person, consent: Consent, listed_only: bool) -> None:
    later = some_days_later(rng, person.seen_from, 25)
    consent.granted_at = later if later < company.calendar.now else between(rng, person.seen_from, company.calendar.now)
    choices = ["form"] + ["shop", "shop"] * person.in_shop + ["crm"] * person.in_crm
    consent.channel = "form" if listed_only else rng.choice(choices)
    likely = SHARE_CONFIRMED if person.country in DOUBLE_OPT_IN else 0.12
    if person.country is None:
        likely = 0.5
    consent.confirmed = rng.random() < likely


def _enlist(rng: Random, person: Person, consent: Consent, listed_only: bool, now: datetime) -> None:
    """Who is on the list: most who agreed, and some whom the marketer imported anyway."""
    if consent.granted_at is not None:
        if not listed_only and rng.random() < 0.16:
            return  # not carried over to the ESP yet
        consent.listed_at = consent.granted_at
        waiting = not consent.confirmed and person.country in DOUBLE_OPT_IN and rng.random() < 0.3
        consent.member = "pending" if waiting else "subscribed"
        return
    likely_import = 0.5 if person.country in ("US", "CA") else 0.14
    if rng.random() < likely_import:
        consent.channel, consent.member = "import", "subscribed"
        consent.listed_at = between(rng, person.seen_from, now)
    elif person.is_buyer and rng.random() < 0.3:
        consent.member, consent.listed_at = "transactional", between(rng, person.seen_from, now)


def _end(rng: Random, person: Person, consent: Consent, campaigns: list[Campaign], now: datetime) -> None:
    """Bounces, complaints and withdrawals; an act in the shop may come after a withdrawal elsewhere."""
    chance = rng.random()
    since = consent.listed_at or consent.granted_at
    received = [] if consent.member != "subscribed" else campaigns[bisect_right([one.sent_at for one in campaigns], since) :]
    if chance < SHARE_BOUNCED + SHARE_COMPLAINED:
        if received:
            consent.campaign = rng.choice(received)
            cleaned = chance < SHARE_BOUNCED
            consent.ended = "cleaned" if cleaned else "complained"
            consent.ended_at = min(consent.campaign.sent_at + timedelta(minutes=rng.randint(2, 900)), now - timedelta(minutes=5))
            consent.member = "cleaned" if cleaned else "unsubscribed"
            consent.reason = "" if cleaned else "ABUSE: Marked as spam"
        return
    if chance >= SHARE_BOUNCED + SHARE_COMPLAINED + SHARE_WITHDRAWN or consent.granted_at is None:
        return
    ways = ["campaign"] * 6 * bool(received) + ["list"] * (consent.member == "subscribed")
    ways += ["shop"] * 2 * person.in_shop + ["crm"] * 2 * person.in_crm
    if not ways:
        return
    consent.withdrawn_in = rng.choice(ways)
    if consent.withdrawn_in == "campaign":
        consent.campaign = rng.choice(received)
        moment = consent.campaign.sent_at + timedelta(minutes=int(rng.expovariate(1 / 300)) + 1)
    else:
        moment = between(rng, consent.granted_at, now)
    consent.withdrawn_at = min(moment, now - timedelta(minutes=5))
    if consent.withdrawn_in in ("campaign", "list"):
        consent.ended, consent.ended_at, consent.member = "unsubscribed", consent.withdrawn_at, "unsubscribed"
        consent.reason = rng.choice(REASONS)
    if person.in_shop and consent.withdrawn_in != "shop" and rng.random() < 0.22:
        consent.granted_again_at = between(rng, consent.withdrawn_at + timedelta(minutes=1), now)
