"""Klaviyo's own Python client, pointed at the sandbox, finds what it expects there."""

import pytest
from klaviyo_api import KlaviyoAPI


@pytest.fixture
def klaviyo(sandbox_server):
    key = sandbox_server.runtime.secrets["klaviyo"]["api_key"]
    return KlaviyoAPI(key, max_delay=1, max_retries=1, test_host=f"{sandbox_server.url}/klaviyo")


def data(kind, attributes, **more):
    return {"data": {"type": kind, "attributes": attributes, **more}}


def test_it_creates_reads_updates_and_lists_profiles(klaviyo):
    made = klaviyo.Profiles.create_profile(data("profile", {"email": "Ivy@example.org", "properties": {"Orders": 3}})).data
    assert (made.attributes.email, made.attributes.properties) == ("ivy@example.org", {"Orders": 3})
    change = data("profile", {"first_name": "Ivy"}, id=made.id)
    assert klaviyo.Profiles.update_profile(made.id, change).data.attributes.first_name == "Ivy"
    read = klaviyo.Profiles.get_profile(made.id, additional_fields_profile=["subscriptions"]).data
    assert read.attributes.subscriptions.email.marketing.consent == "NEVER_SUBSCRIBED"
    listed = klaviyo.Profiles.get_profiles(filter='any(email,["ivy@example.org","ann@example.org"])', sort="email").data
    assert [one.attributes.email for one in listed] == ["ann@example.org", "ivy@example.org"]


def test_it_pages_by_the_cursor_of_the_link(klaviyo):
    found, cursor = [], None
    while True:
        answer = klaviyo.Profiles.get_profiles(page_size=3, page_cursor=cursor, sort="email")
        found += [one.attributes.email[:3] for one in answer.data]
        cursor = answer.links.next
        if cursor is None:
            break
        cursor = cursor.replace("http://", "https://")  # it looks into no other links
    assert found == ["ann", "bob", "cay", "dan", "eve", "fay", "gus", "hal"]


def test_it_runs_an_import_job(klaviyo):
    profiles = [{"type": "profile", "attributes": {"email": email}} for email in ("new@example.org", "wrong")]
    lists = {"lists": {"data": [{"type": "list", "id": "LstAll"}]}}
    job = data("profile-bulk-import-job", {"profiles": {"data": profiles}}, relationships=lists)
    taken = klaviyo.Profiles.bulk_import_profiles(job).data
    done = klaviyo.Profiles.get_bulk_import_profiles_job(taken.id).data.attributes
    assert (done.status, done.total_count, done.completed_count, done.failed_count) == ("complete", 2, 1, 1)
    error = klaviyo.Profiles.get_errors_for_bulk_import_profiles_job(taken.id).data[0].attributes
    assert error.source.pointer == "/data/attributes/profiles/data/1/attributes/email"
    on_list = klaviyo.Lists.get_profiles_for_list("LstAll", filter="equals(email,'new@example.org')").data
    assert len(on_list) == 1 and on_list[0].attributes.joined_group_at is not None


def test_it_puts_people_on_a_list_and_takes_them_off(klaviyo):
    made = klaviyo.Lists.create_list(data("list", {"name": "Friends"})).data
    ids = [one.id for one in klaviyo.Profiles.get_profiles(page_size=2).data]
    members = {"data": [{"type": "profile", "id": one} for one in ids]}
    klaviyo.Lists.add_profiles_to_list(made.id, members)
    assert {one.id for one in klaviyo.Lists.get_profile_ids_for_list(made.id).data} == set(ids)
    assert klaviyo.Lists.get_list(made.id, additional_fields_list=["profile_count"]).data.attributes.profile_count == 2
    klaviyo.Lists.remove_profiles_from_list(made.id, {"data": members["data"][:1]})
    assert [one.id for one in klaviyo.Lists.get_profile_ids_for_list(made.id).data] == ids[1:]
    names = [one.attributes.name for one in klaviyo.Lists.get_lists(sort="name").data]
    assert names == ["Confirmed", "Everybody", "Friends", "Newsletter"]


def test_it_reads_metrics_and_events(klaviyo):
    metric = klaviyo.Metrics.get_metrics().data[0]
    events = klaviyo.Events.get_events(filter=f"equals(metric_id,'{metric.id}')", sort="datetime").data
    assert metric.attributes.name == "Placed Order" and len(events) == 12


def test_it_suppresses(klaviyo):
    profiles = {"data": [{"type": "profile", "attributes": {"email": "ann@example.org"}}]}
    job = klaviyo.Profiles.bulk_suppress_profiles(data("profile-suppression-bulk-create-job", {"profiles": profiles})).data
    assert klaviyo.Profiles.get_bulk_suppress_profiles_job(job.id).data.attributes.completed_count == 1
    read = klaviyo.Profiles.get_profiles(filter="equals(email,'ann@example.org')", additional_fields_profile=["subscriptions"])
    marketing = read.data[0].attributes.subscriptions.email.marketing
    assert not marketing.can_receive_email_marketing and marketing.suppression[0].reason == "USER_SUPPRESSED"
