"""Mailchimp's campaigns: who was sent what, who opened, clicked, bounced, left and complained."""

from datetime import timedelta

import pytest

from mailhouse.sandbox.store import Row, stamp


@pytest.fixture
def campaign(sandbox_server):
    store, list_id = sandbox_server.store, sandbox_server.list_id
    now = store.now()
    sent = stamp(now - timedelta(days=2))
    body = {"id": "c1", "type": "regular", "status": "sent", "create_time": sent, "send_time": sent}
    body |= {"settings": {"title": "Hello", "subject_line": "Hello there"}, "recipients": {"list_id": list_id}}
    store.put("mailchimp.campaign", Row("c1", body, sent))

    def delivery(number, activity=(), status="sent", unsubscribed=None):
        latest = max((act["timestamp"] for act in activity), default=sent)
        own = {"email_id": f"e{number}", "email_address": f"e{number}@example.org", "list_id": list_id, "status": status}
        return Row(f"e{number}", {**own, "activity": list(activity), "unsubscribed": unsubscribed}, latest, parent="c1")

    def act(action, hours_ago, **more):
        return {"action": action, "timestamp": stamp(now - timedelta(hours=hours_ago)), **more}

    store.put_many(
        "mailchimp.delivery",
        [
            delivery(1, [act("open", 40), act("click", 39, url="https://shop.example/x"), act("open", 5)]),
            delivery(2, [act("open", 30)], unsubscribed={"timestamp": stamp(now - timedelta(hours=29)), "reason": None}),
            delivery(3, [act("bounce", 47, type="hard")], status="hard"),
            delivery(4),
        ],
    )
    report = {
        "id": "7",
        "campaign_id": "c1",
        "list_id": list_id,
        "email_id": "e4",
        "email_address": "e4@example.org",
        "date": sent,
    }
    store.put("mailchimp.abuse_report", Row("7", report, sent, parent=list_id))
    return "/reports/c1"


def test_everybody_it_was_sent_to_is_listed_page_by_page(sandbox_server, campaign):
    pages = [sandbox_server.mailchimp("GET", f"{campaign}/sent-to", None, count=3, offset=offset).json() for offset in (0, 3)]
    rows = [row for page in pages for row in page["sent_to"]]
    assert [(row["email_id"], row["status"], row["open_count"]) for row in rows] == [
        ("e1", "sent", 2),
        ("e2", "sent", 1),
        ("e3", "hard", 0),
        ("e4", "sent", 0),
    ]
    assert pages[0]["total_items"] == 4


def test_activity_lists_those_who_did_something_and_only_what_came_after(sandbox_server, campaign):
    emails = sandbox_server.mailchimp("GET", f"{campaign}/email-activity", None, count=10).json()["emails"]
    assert [(row["email_id"], len(row["activity"])) for row in emails] == [("e1", 3), ("e2", 1), ("e3", 1)]
    since = (sandbox_server.store.now() - timedelta(hours=20)).isoformat()
    answer = sandbox_server.mailchimp("GET", f"{campaign}/email-activity", None, since=since).json()
    assert [(row["email_id"], [act["action"] for act in row["activity"]]) for row in answer["emails"]] == [("e1", ["open"])]
    assert answer["total_items"] == 1


def test_leavers_complaints_and_figures(sandbox_server, campaign):
    left = sandbox_server.mailchimp("GET", f"{campaign}/unsubscribed").json()
    assert [(row["email_id"], row["reason"]) for row in left["unsubscribes"]] == [("e2", "None given")]
    complaints = sandbox_server.mailchimp("GET", f"/lists/{sandbox_server.list_id}/abuse-reports").json()
    assert [(row["id"], row["email_id"]) for row in complaints["abuse_reports"]] == [(7, "e4")]
    figures = sandbox_server.mailchimp("GET", campaign).json()
    assert (figures["emails_sent"], figures["unsubscribed"], figures["bounces"]["hard_bounces"]) == (4, 1, 1)
    assert (figures["opens"]["unique_opens"], figures["clicks"]["unique_subscriber_clicks"]) == (2, 1)


def test_campaigns_are_filtered_by_list_and_time(sandbox_server, campaign):
    def found(**params):
        return [row["id"] for row in sandbox_server.mailchimp("GET", "/campaigns", None, **params).json()["campaigns"]]

    day_ago = (sandbox_server.store.now() - timedelta(days=1)).isoformat()
    assert found() == found(list_id=sandbox_server.list_id) == found(before_send_time=day_ago) == ["c1"]
    assert found(list_id="other") == found(since_send_time=day_ago) == []
    assert sandbox_server.mailchimp("GET", "/campaigns/c1").json()["emails_sent"] == 4
