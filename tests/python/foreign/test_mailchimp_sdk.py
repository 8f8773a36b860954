"""Mailchimp's own Python client, pointed at the sandbox, finds what it expects there."""

import hashlib

import pytest
from mailchimp_marketing import Client
from mailchimp_marketing.api_client import ApiClientError

LIST = "a1b2c3d4e5"


@pytest.fixture
def mailchimp(sandbox_server):
    client = Client({"api_key": sandbox_server.runtime.secrets["mailchimp"]["api_key"], "server": "us1"})
    client.api_client.host = f"{sandbox_server.url}/mailchimp/3.0"
    return client


def key(email):
    return hashlib.md5(email.lower().encode()).hexdigest()


def test_it_finds_its_server(mailchimp):
    assert mailchimp.ping.get() == {"health_status": "Everything's Chimpy!"}
    assert [one["name"] for one in mailchimp.lists.get_all_lists()["lists"]] == ["Customers"]


def test_it_creates_reads_updates_and_lists_members(mailchimp):
    made = mailchimp.lists.add_list_member(LIST, {"email_address": "ivy@example.org", "status": "subscribed"})
    assert made["id"] == key("ivy@example.org")
    changed = mailchimp.lists.set_list_member(
        LIST, made["id"], {"email_address": "ivy@example.org", "status_if_new": "subscribed", "merge_fields": {"FNAME": "Ivy"}}
    )
    assert changed["merge_fields"]["FNAME"] == "Ivy"
    assert mailchimp.lists.get_list_member(LIST, made["id"])["full_name"] == "Ivy"
    listed = mailchimp.lists.get_list_members_info(LIST, count=100, status="subscribed")["members"]
    assert {one["email_address"] for one in listed} == {"ann@example.org", "ivy@example.org"}


def test_it_takes_a_batch_and_moves_a_tag(mailchimp):
    members = [
        {"email_address": email, "status": "subscribed", "tags": ["VIP"]} for email in ("ivy@example.org", "jo@example.org")
    ]
    answer = mailchimp.lists.batch_list_members(LIST, {"members": members, "update_existing": True})
    assert (answer["total_created"], answer["error_count"]) == (2, 0)
    segment = mailchimp.lists.list_segments(LIST)["segments"][0]
    change = {"members_to_add": ["ann@example.org"], "members_to_remove": ["jo@example.org"]}
    changed = mailchimp.lists.batch_segment_members(change, LIST, segment["id"])
    assert (changed["total_added"], changed["total_removed"]) == (1, 1)
    tagged = mailchimp.lists.get_segment_members_list(LIST, segment["id"])["members"]
    assert {one["email_address"] for one in tagged} == {"ann@example.org", "ivy@example.org"}


def test_who_said_no_is_refused(mailchimp):
    with pytest.raises(ApiClientError) as refused:
        mailchimp.lists.update_list_member(LIST, key("bob@example.org"), {"status": "subscribed"})
    assert refused.value.status_code == 400 and "Member In Compliance State" in refused.value.text


def test_it_tells_of_an_event_and_reads_it_back(mailchimp):
    mailchimp.lists.create_list_member_event(LIST, key("ann@example.org"), {"name": "back_in_stock", "properties": {"n": "1"}})
    found = mailchimp.lists.get_list_member_events(LIST, key("ann@example.org"))
    assert [(one["name"], one["properties"]) for one in found["events"]] == [("back_in_stock", {"n": "1"})]
    with pytest.raises(ApiClientError) as refused:
        mailchimp.lists.create_list_member_event(LIST, key("zoe@example.org"), {"name": "back_in_stock"})
    assert refused.value.status_code == 404
