"""What people decide on this day: to hear from the company, or not any more."""

from datetime import datetime, timedelta
from random import Random

from mailhouse.sandbox.company import crm, esp, shop
from mailhouse.sandbox.company.calendar import iso
from mailhouse.sandbox.company.consent import REASONS, Consent
from mailhouse.sandbox.company.countries import DOUBLE_OPT_IN
from mailhouse.sandbox.company.day import Day
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.store import Row

SHARE_GRANTING, SHARE_WITHDRAWING = 0.0016, 0.0014
CAMPAIGN_IS_FRESH = timedelta(days=10)


def grant(day: Day) -> None:
    """Some opt in: at the shop's checkout, with the clerks, or by the list's own form."""
    rng = day.stream("grants")
    for person in day.draw(rng, SHARE_GRANTING):
        moment = day.moment(rng)
        confirmed = rng.random() < (0.85 if person.country in DOUBLE_OPT_IN else 0.15)
        customers = day.live("shopify.customer", day.town.record_ids(person, "shopify"))
        contacts = day.live("hubspot.contact", day.town.record_ids(person, "hubspot"))
        if customers and customers[0].body["emailMarketingConsent"]["marketingState"] != "SUBSCRIBED":
            _in_shop(day, customers[0], "SUBSCRIBED", "CONFIRMED_OPT_IN" if confirmed else "SINGLE_OPT_IN", moment)
        elif person.list_email and not day.store.by_email("mailchimp.member", person.list_email.lower(), day.company.list_id):
            _join(day, rng, person, confirmed, moment)
        elif contacts and contacts[0].body["properties"]["newsletter_consent_at"] is None:
            source = "website form (double opt-in confirmed)" if confirmed else "website form"
            contacts[0].body["properties"] |= {"newsletter_consent_at": iso(moment), "newsletter_consent_source": source}
            day.store.put("hubspot.contact", crm.touch(contacts[0].body, moment))
            day.summary.contacts_changed += 1


def withdraw(day: Day) -> None:
    """Some have had enough, and say so in one of the systems."""
    rng = day.stream("withdrawals")
    for person in day.draw(rng, SHARE_WITHDRAWING):
        moment = day.moment(rng)
        ways = []
        ids = day.town.record_ids(person, "mailchimp")
        members = [row for row in day.live("mailchimp.member", ids, day.company.list_id) if row.body["status"] == "subscribed"]
        customers = day.live("shopify.customer", day.town.record_ids(person, "shopify"))
        contacts = day.live("hubspot.contact", day.town.record_ids(person, "hubspot"))
        ways = ["list"] * 3 * bool(members)
        if customers and customers[0].body["emailMarketingConsent"]["marketingState"] == "SUBSCRIBED":
            ways.append("shop")
        if contacts and contacts[0].body["properties"]["hs_email_optout"] != "true":
            ways.append("crm")
        way = rng.choice(ways) if ways else ""
        if way == "list":
            unsubscribe(day, members[0], moment, rng.choice(REASONS))
        elif way == "shop":
            level = customers[0].body["emailMarketingConsent"]["marketingOptInLevel"]
            _in_shop(day, customers[0], "UNSUBSCRIBED", level, moment)
        elif way == "crm":
            contacts[0].body["properties"]["hs_email_optout"] = "true"
            day.store.put("hubspot.contact", crm.touch(contacts[0].body, moment))
            day.summary.contacts_changed += 1


def unsubscribe(day: Day, member: Row, moment: datetime, reason: str) -> None:
    """By the link in the latest campaign when the member got one lately, else on the list's own page."""
    change_member(day, member, moment, status="unsubscribed", unsubscribe_reason=reason)
    for campaign in day.store.page("mailchimp.campaign", order="updated_at", reverse=True, limit=1):
        mail = day.store.get("mailchimp.delivery", member.id, campaign.id)
        if mail is None or iso(day.start - CAMPAIGN_IS_FRESH) > campaign.updated_at or campaign.updated_at > iso(moment):
            return
        mail.body["unsubscribed"] = {"timestamp": iso(moment), "reason": reason}
        mail.updated_at = max(mail.updated_at, iso(moment))
        day.store.put("mailchimp.delivery", mail)


def change_member(day: Day, member: Row, moment: datetime, **values: str) -> None:
    """Sets fields of a member; `last_changed` never goes back."""
    member.body |= values
    member.body["last_changed"] = max(iso(moment), member.body["last_changed"])
    day.store.put("mailchimp.member", esp.row(day.company.list_id, member.body, member.created_at))
    day.summary.members_changed += 1


def _in_shop(day: Day, customer: Row, word: str, level: str, moment: datetime) -> None:
    customer.body["emailMarketingConsent"] = shop.state(word, level, moment)
    customer.body["updatedAt"] = customer.updated_at = max(iso(moment), customer.updated_at)
    day.store.put("shopify.customer", customer)
    day.summary.shop_customers_changed += 1


def _join(day: Day, rng: Random, person: Person, confirmed: bool, moment: datetime) -> None:
    consent = Consent(granted_at=moment, channel="form", confirmed=confirmed, member="subscribed", listed_at=moment)
    if person.country in DOUBLE_OPT_IN and not confirmed:
        consent.member = "pending"
    row = esp.member_row(day.company, rng, person, consent, person.list_email or "")
    if day.store.get("mailchimp.forgotten", row.id, day.company.list_id) is not None:
        return  # the list refuses an address that it was told to forget
    day.store.put("mailchimp.member", row)
    day.town.link(("mailchimp", row.id, person.person_id, person.customer_ref))
    day.summary.members += 1
