"""The log of what callers changed, which tests of lost and doubled writes believe."""

import pytest


def told(sandbox, *names):
    return [(one["effect"], one["address"]) for one in sandbox.effects(*names)]


def member(name, **more):
    return {"email_address": f"{name}@example.org", "status_if_new": "subscribed", **more}


def test_a_batch_leaves_one_effect_for_each_change(sandbox_server):
    sandbox_server.batch(
        [member("new", tags=["VIP"], merge_fields={"FNAME": "New"}), member("ann", merge_fields={"FNAME": "Ann"})]
    )
    assert told(sandbox_server, "created", "changed", "joined") == [
        ("created", ""),  # the tag
        ("created", "new@example.org"),
        ("changed", "ann@example.org"),
        ("joined", "new@example.org"),
    ]
    changed = sandbox_server.effects("changed")[0]
    assert (changed["before"]["merge_fields"]["FNAME"], changed["after"]["merge_fields"]["FNAME"]) == ("", "Ann")
    assert (changed["kind"], changed["container"]) == ("mailchimp.member", sandbox_server.list_id)
    assert changed["at"] == "2026-03-01T12:00:00.000Z" and changed["call"].startswith("POST /3.0/lists/")


def test_the_same_again_has_no_effect(sandbox_server):
    given = [member("new", tags=["VIP"], merge_fields={"FNAME": "New"})]
    sandbox_server.batch(given)
    assert sandbox_server.call("DELETE", "/_sandbox/effects").json() == {"effects": []}
    sandbox_server.batch(given)
    assert sandbox_server.effects() == []


def test_consent_stands_apart_from_other_changes(sandbox_server):
    sandbox_server.batch([member("ann", status="unsubscribed", merge_fields={"FNAME": "Ann"})])
    consent, changed = sandbox_server.effects("consent", "changed")
    assert (consent["before"], consent["after"]) == ("subscribed", "unsubscribed")
    assert "status" not in changed["after"]


def test_effects_are_told_by_vendor_and_from_a_number_on(sandbox_server):
    sandbox_server.batch([member("one")])
    sandbox_server.klaviyo("POST", "/lists", {"data": {"type": "list", "attributes": {"name": "One"}}}, status=201)
    first, second = sandbox_server.effects()
    assert (first["vendor"], second["vendor"], second["kind"]) == ("mailchimp", "klaviyo", "klaviyo.list")
    assert sandbox_server.effects(vendor="klaviyo") == [second]
    assert sandbox_server.get("/_sandbox/effects", after=first["seq"])["effects"] == [second]
    requests = {one["request"]: one["vendor"] for one in sandbox_server.get("/_sandbox/requests")["requests"]}
    assert (requests[first["request"]], requests[second["request"]]) == ("mailchimp", "klaviyo")


def test_the_days_that_pass_are_nobodys_doing(tmp_path, sandbox_factory):
    from mailhouse.sandbox import company

    served = sandbox_factory(lambda store: company.seed(store, store.path.with_name("truth.duckdb"), seed=1, customers=60))
    served.control("advance", {"days": 3})
    assert served.effects() == []


@pytest.mark.parametrize("vendor", ["mailchimp", "klaviyo"])
def test_a_job_or_batch_that_fails_has_no_effect(sandbox_server, vendor):
    sandbox_server.control("faults", [{"vendor": vendor, "do": "500"}])
    if vendor == "mailchimp":
        assert sandbox_server.mailchimp("POST", f"/lists/{sandbox_server.list_id}", {"members": [member("a")]}).status_code == 500
    else:
        sandbox_server.klaviyo("POST", "/lists", {"data": {"type": "list", "attributes": {"name": "One"}}}, status=500)
    assert sandbox_server.effects() == []


def test_signing_up_starts_the_automations_of_the_list_once(sandbox_server):
    running = sandbox_server.automation("Welcome", "sending", workflow_type="welcomeSeries")
    sandbox_server.automation("Old welcome", "paused", workflow_type="welcomeSeries")
    sandbox_server.batch([member("new"), member("ann"), member("wait", status_if_new="pending")])
    assert told(sandbox_server, "entered") == [("entered", "new@example.org")]
    sandbox_server.batch([member("wait", status="subscribed")])
    sandbox_server.batch([member("wait", status="unsubscribed")])
    entries = sandbox_server.get("/_sandbox/entries")["entries"]
    assert {(one["automation"], one["address"]) for one in entries} == {
        (running, "new@example.org"),
        (running, "wait@example.org"),
    }


def test_a_tag_starts_the_automations_that_name_it(sandbox_server):
    sandbox_server.automation("For VIPs", "sending", workflow_type="tagAdded", tags=["VIP"])
    sandbox_server.batch([member("new", tags=["VIP"]), member("ann", tags=["Other"]), member("bob", tags=["VIP"])])
    assert told(sandbox_server, "entered") == [("entered", "new@example.org")]  # bob said no
    vip = next(row for row in sandbox_server.store.page("mailchimp.segment", limit=9) if row.body["name"] == "VIP")
    path = f"/lists/{sandbox_server.list_id}/segments/{vip.id}"
    for change in ("members_to_remove", "members_to_add"):
        sandbox_server.mailchimp("POST", path, {change: ["new@example.org"]})
    assert len(sandbox_server.effects("entered")) == 1
    assert told(sandbox_server, "left", "joined")[-2:] == [("left", "new@example.org"), ("joined", "new@example.org")]


def test_other_vendors_are_watched_as_well(sandbox_server):
    sandbox_server.call("DELETE", "/hubspot/crm/objects/v3/contacts/1")
    assert [(one["vendor"], one["kind"], one["effect"]) for one in sandbox_server.effects()] == [
        ("hubspot", "hubspot.contact", "changed")
    ]
