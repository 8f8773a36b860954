"""The rule of who may be mailed, in a few lines of Python, to judge the company by."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailhouse.contact_points import normalise_email

DOUBLE_OPT_IN = {"DE", "AT", "CH", None}
YES, NO = "grant", "withdraw"


@dataclass(frozen=True)
class Act:
    """Something dated about a mailbox; `is_proven` means time and source are known, `is_confirmed` a double opt-in."""

    at: str
    act: str
    is_proven: bool = False
    is_confirmed: bool = False


@dataclass
class Mailbox:
    """All that is known of one address."""

    acts: list[Act]
    blocks: set[str]
    countries: set[str]
    last_order: str = ""


def mailboxes(seeded) -> dict[str, Mailbox]:
    """By wide normal form; invalid and missing addresses have none."""
    found: dict[str, Mailbox] = defaultdict(lambda: Mailbox([], set(), set()))

    def box(address: str | None) -> Mailbox | None:
        form = normalise_email(address or "")
        return found[form.wide] if form.is_valid else None

    orders = defaultdict(str)
    for row in seeded.rows("shopify.order"):
        orders[row.parent] = max(orders[row.parent], row.body["processedAt"])
    for row in seeded.rows("hubspot.contact"):
        values = row.body["properties"]
        one = box(values["email"])
        if one is None:
            continue
        one.countries |= {values["country"]} - {None}
        if values["hs_email_optout"] == "true":
            one.acts.append(Act(row.body["updatedAt"], NO))
        if values["newsletter_consent_at"]:
            source = values["newsletter_consent_source"]
            one.acts.append(Act(values["newsletter_consent_at"], YES, bool(source), "confirmed" in (source or "")))
    for row in seeded.rows("shopify.customer"):
        one = box(row.body["email"])
        if one is None:
            continue
        one.countries |= {row.body["defaultAddress"]["countryCodeV2"]} - {None}
        one.last_order = max(one.last_order, orders[row.id])
        said = row.body["emailMarketingConsent"]
        if said["marketingState"] == "UNSUBSCRIBED":
            one.acts.append(Act(said["consentUpdatedAt"], NO))
        elif said["marketingState"] == "SUBSCRIBED":
            one.acts.append(Act(said["consentUpdatedAt"], YES, True, said["marketingOptInLevel"] == "CONFIRMED_OPT_IN"))
    for row in seeded.rows("mailchimp.member"):
        body = row.body
        one = box(body["email_address"])
        one.countries |= {body["location"]["country_code"]} - {""}
        if body["status"] == "cleaned":
            one.blocks.add("hard_bounce")
        elif body["status"] in ("unsubscribed", "archived", "transactional"):
            one.acts.append(Act(body["last_changed"], NO))
        if body["status"] in ("subscribed", "unsubscribed") and body["timestamp_opt"] and body["ip_opt"]:
            one.acts.append(Act(body["timestamp_opt"], YES, True, bool(body["timestamp_signup"])))
    for row in seeded.rows("mailchimp.abuse_report"):
        box(row.body["email_address"]).blocks.add("complaint")
    return found


def refusal(mailbox: Mailbox, now: datetime) -> str | None:
    """The first reason why nothing may be sent, None when something may."""
    if mailbox.blocks:
        return sorted(mailbox.blocks)[0]
    latest = max(mailbox.acts, key=lambda act: (act.at, act.act == NO), default=None)
    if latest is not None and latest.act == NO:
        return "withdrawn"
    country = next(iter(mailbox.countries), None) if len(mailbox.countries) == 1 else None
    grants = [act for act in mailbox.acts if act.act == YES]
    if country == "US":
        return None
    if country in DOUBLE_OPT_IN:
        return None if any(act.is_confirmed for act in grants) else "no_confirmation"
    if any(act.is_proven for act in grants):
        return None
    if country == "CA" and mailbox.last_order > (now - timedelta(days=730)).isoformat():
        return None
    return "no_consent"
