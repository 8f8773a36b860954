"""Klaviyo's day: new customers, orders told, a campaign now and then, and people who say yes or no there."""

from datetime import timedelta
from random import Random

from mailhouse.sandbox import klaviyo_members as members
from mailhouse.sandbox.company import klaviyo_account as words
from mailhouse.sandbox.company import klaviyo_history as history
from mailhouse.sandbox.company import klaviyo_profiles as profiles
from mailhouse.sandbox.company.calendar import iso
from mailhouse.sandbox.company.day import Day
from mailhouse.sandbox.company.klaviyo_account import CAMPAIGN_EVERY, Account
from mailhouse.sandbox.company.klaviyo_profiles import Ending, Known
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.klaviyo_consent import suppress, unsubscribe
from mailhouse.sandbox.klaviyo_events import EVENT, event_row
from mailhouse.sandbox.klaviyo_profiles import PROFILE, fresh_marketing, normal_email
from mailhouse.sandbox.klaviyo_profiles import profile_row as for_store
from mailhouse.sandbox.store import Row

SHARE_GRANTING, SHARE_WITHDRAWING = 0.0012, 0.0022  # of the profiles, a day
SHARE_ENDED_BY_MAIL = 0.009


def live(day: Day, profiles_of: dict[str, list[str]]) -> None:
    """Lets the day pass in the account; `profiles_of` has each person's profiles and learns of new ones."""
    account = Account(day.company)
    events = _told_by_the_shop(day, account, profiles_of)
    events += _choices(day, account)
    events += _mailing(day, account, profiles_of)
    day.summary.profile_events += day.store.put_many(EVENT, events)
    _note_last_events(day, events)


def _told_by_the_shop(day: Day, account: Account, profiles_of: dict[str, list[str]]) -> list[Row]:
    """New shop customers, and the day's orders; a customer with another address than before becomes another profile."""
    rng, events = day.stream("klaviyo shop"), []
    for person in day.town.people:
        if person.seen_from >= day.start and person.in_shop and profiles.comes_in(rng, person):
            _add(day, person, profiles_of)
    owners = {
        customer: person for person in day.town.people for customer in day.town.record_ids(person, "shopify") if person.in_shop
    }
    for order in day.store.page("shopify.order", updated_from=day.start, updated_before=day.end, limit=1_000_000):
        person = owners.get(order.parent)
        is_of_today = iso(day.start) <= order.body["processedAt"] < iso(day.end)
        if person is None or person.person_id not in profiles_of or not is_of_today or order.body["test"]:
            continue
        identifier = _profile_at(day, profiles.address_of(person)) or _add(day, person, profiles_of)
        if identifier:
            events.append(history.order_event(account, identifier, order.body))
            if person.first_order_at is not None and person.first_order_at >= day.start:
                members.put_on(day.store, account.first_purchase, [identifier], order.body["processedAt"])
    return events


def _add(day: Day, person: Person, profiles_of: dict[str, list[str]]) -> str:
    """A new profile, '' where the address is not to be had."""
    address = profiles.address_of(person)
    if not address or _profile_at(day, address):
        return ""
    created = min(max(person.seen_from, day.start) + timedelta(minutes=5), day.end - timedelta(seconds=1))
    row = profiles.profile_row(person, created, address, fresh_marketing())
    day.store.put(PROFILE, row)
    day.summary.profiles += 1
    profiles_of.setdefault(person.person_id, []).append(row.id)
    return row.id


def _profile_at(day: Day, address: str) -> str:
    found = day.store.by_email(PROFILE, normal_email(address)) if address else []
    return found[0].id if found else ""


def _choices(day: Day, account: Account) -> list[Row]:
    """Some sign up by the form, some leave by the preference page."""
    rng, events = day.stream("klaviyo choices"), []
    rows = day.store.page(PROFILE, limit=10_000_000)
    for row in rows:
        chance, moment = rng.random(), iso(day.moment(rng))
        marketing = row.body["marketing"]
        if row.body["created"] >= iso(day.start):
            continue
        if marketing["consent"] == "SUBSCRIBED" and chance < SHARE_WITHDRAWING:
            unsubscribe(marketing, moment, "PREFERENCE_PAGE")
            members.take_off(day.store, account.newsletter, [row.id])
            events.append(event_row(row.id, account.metric[words.UNSUBSCRIBED], moment, {"method": "PREFERENCE_PAGE"}))
        elif marketing["consent"] == "NEVER_SUBSCRIBED" and not marketing["suppression"] and chance < SHARE_GRANTING:
            marketing |= {"consent": "SUBSCRIBED", "consent_timestamp": moment, "last_updated": moment, "method": "FORM"}
            marketing |= {"method_detail": "", "double_optin": True}
            members.put_on(day.store, account.newsletter, [row.id], moment)
            events.append(history.list_event(account, row.id, moment))
        else:
            continue
        _put(day, row, moment)
    return events


def _mailing(day: Day, account: Account, profiles_of: dict[str, list[str]]) -> list[Row]:
    """A campaign every few weeks; it ends some people's patience, and some mailboxes are gone."""
    if day.start.toordinal() % CAMPAIGN_EVERY:
        return []
    rng, mailing = day.stream("klaviyo mails"), account.mailing_at(day.start + timedelta(hours=2))
    owner = {one: person for person in day.town.people for one in profiles_of.get(person.person_id, ())}
    events: list[Row] = []
    for row in day.store.page(PROFILE, limit=10_000_000):
        marketing, person = row.body["marketing"], owner.get(row.id)
        if person is None or marketing["consent"] != "SUBSCRIBED" or marketing["suppression"]:
            continue
        if marketing["consent_timestamp"] >= iso(mailing.sent_at):
            continue
        ending = _end(rng, day, account, mailing, row) if rng.random() < SHARE_ENDED_BY_MAIL else Ending()
        known = Known(person, row, None, ending)
        events += history.mail_events(account, rng, mailing, known, day.end)
    day.store.put("klaviyo.campaign", mailing.row(account.newsletter))
    return events


def _end(rng: Random, day: Day, account: Account, mailing: words.Mailing, row: Row) -> Ending:
    """How a mail is the last one for somebody."""
    at = mailing.sent_at + timedelta(minutes=rng.randint(90, 1_000))
    moment, marketing, chance = iso(at), row.body["marketing"], rng.random()
    if chance < 0.7:
        how = "unsubscribed"
        unsubscribe(marketing, moment, "ONE_CLICK_UNSUBSCRIBE")
        members.take_off(day.store, account.newsletter, [row.id])
    else:
        how = "bounced" if chance < 0.93 else "complained"
        suppress(marketing, "HARD_BOUNCE" if how == "bounced" else "SPAM_COMPLAINT", moment)
    _put(day, row, moment)
    return Ending(at, how, mailing)


def _put(day: Day, row: Row, moment: str) -> None:
    row.body["updated"] = max(row.body["updated"], moment)
    day.store.put(PROFILE, for_store(row.id, row.body))
    day.summary.profiles_changed += 1


def _note_last_events(day: Day, events: list[Row]) -> None:
    """Profiles show when they last did something; at Klaviyo that is no change of the profile."""
    last: dict[str, str] = {}
    for event in events:
        last[event.parent] = max(last.get(event.parent, ""), str(event.updated_at))
    rows = day.store.get_many(PROFILE, last)
    for row in rows.values():
        row.body["last_event_date"] = max(row.body["last_event_date"] or "", last[row.id])
    day.store.put_many(PROFILE, rows.values())
