"""What campaigns set off: deliveries, bounces, opens, clicks, unsubscribes and complaints."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from mailhouse.sandbox.company.calendar import iso
from mailhouse.sandbox.company.esp import Listed
from mailhouse.sandbox.company.schedule import Campaign
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.store import Row

SHARE_SOFT = 0.008
SHARE_CLICK = 0.22  # of opens
LINKS = ("new", "sale", "bestsellers", "stories", "gifts")
SHOP_URL = "https://shop.brook-hearth.example"


def deliveries(company: Company, rng: Random, campaign: Campaign, audience: list[Listed]) -> Iterator[Row]:
    """One row for each member that could be mailed when the campaign went out."""
    sent = campaign.sent_at
    for one in audience:
        if one.mailable_from is None or one.mailable_from >= sent:
            continue
        if one.mailable_until is not None and one.mailable_until < sent:
            continue
        yield delivery(company, rng, campaign, one)


def delivery(company: Company, rng: Random, campaign: Campaign, one: Listed) -> Row:
    """What became of one mail, as far as it lies before the present."""
    now, sent, consent = company.calendar.now, campaign.sent_at, one.consent
    activity: list[dict[str, Any]] = []
    status, unsubscribed, last = "sent", None, sent
    ended_here = consent.campaign is not None and consent.campaign.campaign_id == campaign.campaign_id
    if ended_here and consent.ended == "cleaned":
        status, last = "hard", consent.ended_at
        activity.append(act("bounce", last, one, kind="hard"))
    elif rng.random() < SHARE_SOFT:
        status, last = "soft", min(sent + timedelta(minutes=rng.randint(1, 60)), now)
        activity.append(act("bounce", last, one, kind="soft"))
    else:
        activity = reactions(rng, one, sent, consent.ended_at if ended_here else now, sure=ended_here)
        if ended_here and consent.ended == "unsubscribed":
            unsubscribed = {"timestamp": iso(consent.ended_at), "reason": consent.reason}
            last = consent.ended_at
    stamps = [iso(last), *(step["timestamp"] for step in activity)]
    body = {
        "email_id": one.member_id,
        "email_address": one.email,
        "list_id": company.list_id,
        "status": status,
        "activity": activity,
        "unsubscribed": unsubscribed,
    }
    return Row(one.member_id, body, max(stamps), iso(sent), campaign.campaign_id, one.email.lower())


def reactions(rng: Random, one: Listed, sent: datetime, until: datetime, *, sure: bool = False) -> list[dict[str, Any]]:
    """Opens and clicks before `until`, in the order of time."""
    if not sure and rng.random() >= one.person.opens:
        return []
    steps: list[dict[str, Any]] = []
    moment = sent
    for _ in range(1 if rng.random() < 0.75 else rng.randint(2, 4)):
        moment = moment + timedelta(seconds=int(rng.expovariate(1 / 14_000)) + 20)
        if moment >= until:
            break
        steps.append(act("open", moment, one))
        if rng.random() < SHARE_CLICK:
            clicked = moment + timedelta(seconds=rng.randint(3, 240))
            if clicked < until:
                steps.append(act("click", clicked, one, url=f"{SHOP_URL}/{rng.choice(LINKS)}"))
                moment = clicked
    return steps


def act(action: str, moment: datetime, one: Listed, *, kind: str | None = None, url: str | None = None) -> dict[str, Any]:
    """One step of Mailchimp's e-mail activity."""
    step: dict[str, Any] = {"action": action, "timestamp": iso(moment), "ip": one.person.ip}
    if kind is not None:
        step["type"] = kind
    if url is not None:
        step["url"] = url
    return step


def abuse_report(company: Company, campaign_id: str, member_id: str, email: str, moment: datetime) -> Row:
    """A complaint that the mailbox's provider passed on."""
    identifier = company.next_id("mailchimp.abuse_report")
    body = {
        "id": int(identifier),
        "campaign_id": campaign_id,
        "list_id": company.list_id,
        "email_id": member_id,
        "email_address": email,
        "date": iso(moment),
    }
    return Row(identifier, body, iso(moment), iso(moment), company.list_id, email.lower())
