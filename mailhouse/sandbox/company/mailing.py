"""The marketer's day: a campaign now and then, and what the last ones still set off."""

from datetime import timedelta
from random import Random

from mailhouse.sandbox.company import campaigns, choices, esp, schedule
from mailhouse.sandbox.company.calendar import iso
from mailhouse.sandbox.company.consent import REASONS, Consent
from mailhouse.sandbox.company.day import Day
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.store import Row

PAUSE, CHANCE = timedelta(days=9), 0.35
LATE_DAYS, LATE_CHANCE = 6, 0.004
SHARE_UNSUBSCRIBED, SHARE_HARD, SHARE_COMPLAINED = 0.0025, 0.002, 0.0003
HOURS_AFTER_START = 3  # sent at nine


def react_late(day: Day) -> None:
    """Some open a campaign days after it came."""
    rng = day.stream("late reactions")
    since = iso(day.start - timedelta(days=LATE_DAYS))
    for campaign in day.store.page("mailchimp.campaign", updated_from=since, updated_before=day.start, limit=100):
        for mail in day.store.page("mailchimp.delivery", parent=campaign.id, limit=10_000_000):
            if rng.random() >= LATE_CHANCE or mail.body["status"] != "sent" or mail.body["unsubscribed"]:
                continue
            moment = day.moment(rng)
            ip = next((step["ip"] for step in mail.body["activity"] if step.get("ip")), None)
            if ip is None:
                continue  # who never opens does not start days later
            mail.body["activity"].append({"action": "open", "timestamp": iso(moment), "ip": ip})
            mail.updated_at = iso(moment)
            day.store.put("mailchimp.delivery", mail)


def send(day: Day) -> None:
    """A campaign to everyone subscribed, when the last one is some time ago and the marketer feels like it."""
    rng = day.stream("campaign")
    latest = day.store.page("mailchimp.campaign", order="updated_at", reverse=True, limit=1)
    if (latest and latest[0].updated_at > iso(day.start - PAUSE)) or rng.random() >= CHANCE:
        return
    campaign = schedule.campaign_at(day.company, day.start + timedelta(hours=HOURS_AFTER_START))
    owners = {record: person for person in day.town.people for record in day.town.record_ids(person, "mailchimp")}
    mails: list[Row] = []
    for member in day.store.page("mailchimp.member", parent=day.company.list_id, limit=10_000_000):
        if member.body["status"] == "subscribed" and member.body["last_changed"] < iso(campaign.sent_at):
            person = owners.get(member.id) or _stranger(member)
            mails.append(_mail(day, rng, campaign, member, person))
    day.store.put("mailchimp.campaign", campaign.row(day.company.list_id))
    day.summary.campaigns += 1
    day.summary.deliveries += day.store.put_many("mailchimp.delivery", mails)


def _mail(day: Day, rng: Random, campaign: schedule.Campaign, member: Row, person: Person) -> Row:
    """One mail, its reactions until the end of the day, and what they do to the member."""
    consent, chance = Consent(), rng.random()
    moment = campaign.sent_at + timedelta(minutes=rng.randint(2, 1_000))
    if chance < SHARE_HARD + SHARE_UNSUBSCRIBED + SHARE_COMPLAINED:
        consent.campaign, consent.ended_at = campaign, moment
        if chance < SHARE_HARD:
            consent.ended, consent.reason = "cleaned", ""
            choices.change_member(day, member, moment, status="cleaned")
        elif chance < SHARE_HARD + SHARE_COMPLAINED:
            consent.ended, consent.reason = "complained", "ABUSE: Marked as spam"
            choices.change_member(day, member, moment, status="unsubscribed", unsubscribe_reason=consent.reason)
            address = member.body["email_address"]
            report = campaigns.abuse_report(day.company, campaign.campaign_id, member.id, address, moment)
            day.store.put("mailchimp.abuse_report", report)
            day.summary.abuse_reports += 1
        else:
            consent.ended, consent.reason = "unsubscribed", rng.choice(REASONS)
            choices.change_member(day, member, moment, status="unsubscribed", unsubscribe_reason=consent.reason)
    one = esp.Listed(member.id, member.body["email_address"], person, consent, None, None)
    return campaigns.delivery(day.company, rng, campaign, one)


def _stranger(member: Row) -> Person:
    """A member whom somebody else put on the list: its habits follow from its id."""
    rng = Random(member.id)
    return Person(
        person_id="",
        country=None,
        language="en",
        given="",
        family="",
        street="",
        city="",
        zip="",
        phone=None,
        firm=None,
        seen_from=schedule.NEVER,
        is_buyer=False,
        in_crm=False,
        in_shop=False,
        opens=0.0 if rng.random() < 0.27 else rng.betavariate(1.6, 2.6),
        ip="198.18.0.1",
    )
