"""Campaigns reach who was subscribed, and people react at believable rates."""

from collections import Counter, defaultdict


def test_rates_are_those_of_a_decent_newsletter(seeded_5000):
    mails = seeded_5000.rows("mailchimp.delivery")
    opened = sum(any(step["action"] == "open" for step in row.body["activity"]) for row in mails)
    clicked = sum(any(step["action"] == "click" for step in row.body["activity"]) for row in mails)
    statuses = Counter(row.body["status"] for row in mails)
    left = sum(row.body["unsubscribed"] is not None for row in mails)
    assert 0.15 <= opened / len(mails) <= 0.45
    assert 0.02 <= clicked / len(mails) <= 0.15
    assert clicked < opened
    assert 0.001 <= statuses["hard"] / len(mails) <= 0.02
    assert 0.002 <= statuses["soft"] / len(mails) <= 0.03
    assert 0.002 <= left / len(mails) <= 0.03


def test_a_dozen_or_more_campaigns_over_a_year_and_a_half(seeded_5000):
    sent = sorted(row.body["send_time"] for row in seeded_5000.rows("mailchimp.campaign"))
    assert len(sent) >= 12
    assert sent[0][:4] == "2025" and sent[-1][:7] == "2026-09"


def test_nobody_is_mailed_after_leaving(seeded_5000):
    members = {row.id: row.body for row in seeded_5000.rows("mailchimp.member")}
    sent_at = {row.id: row.body["send_time"] for row in seeded_5000.rows("mailchimp.campaign")}
    for mail in seeded_5000.rows("mailchimp.delivery"):
        member = members[mail.id]
        assert member["status"] in ("subscribed", "unsubscribed", "cleaned")
        if member["status"] != "subscribed":
            assert sent_at[mail.parent] <= member["last_changed"]
        assert (member["timestamp_signup"] or member["timestamp_opt"] or "") <= sent_at[mail.parent]


def test_leaving_by_a_campaign_shows_on_member_and_mail_alike(seeded_5000):
    members = {row.id: row.body for row in seeded_5000.rows("mailchimp.member")}
    mails = seeded_5000.rows("mailchimp.delivery")
    for mail in mails:
        said = mail.body["unsubscribed"]
        if said is not None:
            assert members[mail.id]["status"] == "unsubscribed"
            assert members[mail.id]["last_changed"] == said["timestamp"]
        if mail.body["status"] == "hard":
            assert members[mail.id]["status"] == "cleaned"
    reports = seeded_5000.rows("mailchimp.abuse_report")
    assert len(reports) >= 10
    by_mail = {(row.parent, row.id) for row in mails}
    for report in reports:
        assert (report.body["campaign_id"], report.body["email_id"]) in by_mail
        assert members[report.body["email_id"]]["status"] == "unsubscribed"


def test_some_people_never_open_though_mailed_often(seeded_5000):
    lately = [row.id for row in seeded_5000.rows("mailchimp.campaign") if row.body["send_time"] >= "2026-04-01"]
    mailed, reacted = Counter(), defaultdict(int)
    for mail in seeded_5000.rows("mailchimp.delivery"):
        if mail.parent in lately:
            mailed[mail.id] += 1
            reacted[mail.id] += any(step["action"] in ("open", "click") for step in mail.body["activity"])
    subscribed = {row.id for row in seeded_5000.rows("mailchimp.member") if row.body["status"] == "subscribed"}
    unengaged = [member for member, count in mailed.items() if count >= 5 and not reacted[member] and member in subscribed]
    assert len(unengaged) >= 100


def test_members_carry_names_and_the_marketers_own_tags(seeded_5000):
    members = seeded_5000.rows("mailchimp.member")
    named = sum(bool(row.body["merge_fields"]["FNAME"]) for row in members)
    assert 0.85 <= named / len(members) < 1
    tags = seeded_5000.rows("mailchimp.segment")
    known = {row.id for row in members}
    assert {row.body["type"] for row in tags} == {"static"}
    for tag in tags:
        carriers = seeded_5000.store.tag_members(tag.parent, tag.id)
        assert 10 <= len(carriers) < 0.2 * len(members)
        assert set(carriers) <= known
