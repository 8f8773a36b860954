"""What a fault plan can order of any vendor: refusals with every kind of Retry-After, lost writes, rows that are refused."""

import pytest
import requests

from mailhouse.sandbox.faults import CUTTING, KINDS

LISTS = "/klaviyo/api/lists"


def lists(sandbox):
    return sandbox.call("GET", LISTS)


@pytest.mark.parametrize("said", [7, "Wed, 21 Oct 2026 07:28:00 GMT", None, 10**9, -5, "soon"])
def test_a_storm_of_429_says_what_it_likes_about_coming_back(sandbox_server, said):
    fault = {"vendor": "klaviyo", "do": "429", "times": 3, **({} if said is None else {"retry_after": said})}
    sandbox_server.control("faults", [fault])
    answers = [lists(sandbox_server) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 429, 200]
    assert answers[0].headers.get("Retry-After") == (None if said is None else str(said))
    assert answers[0].json()["errors"][0]["code"] == "throttled"


@pytest.mark.parametrize(
    ("vendor", "path"),
    [("klaviyo", LISTS), ("mailchimp", "/mailchimp/3.0/lists"), ("hubspot", "/hubspot/crm/objects/v3/contacts")],
)
def test_any_refusal_comes_in_the_vendors_words(sandbox_server, vendor, path):
    for status in (401, 403, 404, 500, 502, 503, 529):
        sandbox_server.control("faults", [{"vendor": vendor, "do": str(status)}])
        answer = sandbox_server.call("GET", path)
        assert answer.status_code == status
        assert {"klaviyo": "errors", "mailchimp": "title", "hubspot": "category"}[vendor] in answer.json()


def test_a_token_expires_at_the_nth_call_and_stays_so(sandbox_server):
    sandbox_server.control("faults", [{"vendor": "klaviyo", "do": "401", "nth": 3, "times": None}])
    assert [lists(sandbox_server).status_code for _ in range(5)] == [200, 200, 401, 401, 401]
    assert sandbox_server.get("/_sandbox/faults")["faults"][0]["seen"] == 5


@pytest.mark.parametrize(("kind", "made"), [("timeout_before", 0), ("reset", 0), ("timeout_after_apply", 1), ("truncated", 1)])
def test_a_cut_line_tells_nothing_of_what_was_done(sandbox_server, kind, made):
    sandbox_server.control("faults", [{"vendor": "klaviyo", "method": "POST", "do": kind, "seconds": 0.02}])
    with pytest.raises(requests.exceptions.RequestException):
        sandbox_server.import_profiles([{"email": "new@example.org"}])
    assert len(sandbox_server.store.page("klaviyo.job", limit=9)) == made
    assert len(sandbox_server.effects("created")) == made


def test_counts_may_lie(sandbox_server):
    job = sandbox_server.import_profiles([{"email": "new@example.org"}])
    sandbox_server.control("faults", [{"vendor": vendor, "do": "wrong_count"} for vendor in ("klaviyo", "mailchimp")])
    path = f"/profile-bulk-import-jobs/{job['id']}"
    assert [sandbox_server.klaviyo("GET", path)["data"]["attributes"]["completed_count"] for _ in range(2)] == [2, 1]
    answer = sandbox_server.batch([{"email_address": "new@example.org", "status": "subscribed"}])
    assert (answer["total_created"], len(answer["new_members"]), answer["error_count"]) == (2, 1, 0)


def test_given_rows_of_a_batch_are_refused_and_the_others_taken(sandbox_server):
    bad = {"do": "partial", "rows": ["bad@example.org"], "times": None}
    sandbox_server.control("faults", [{"vendor": vendor, **bad} for vendor in ("klaviyo", "mailchimp")])
    job = sandbox_server.import_profiles([{"email": "good@example.org"}, {"email": "Bad@example.org"}])
    error = sandbox_server.klaviyo("GET", f"/profile-bulk-import-jobs/{job['id']}/import-errors")["data"][0]["attributes"]
    assert error["original_payload"]["attributes"]["email"] == "Bad@example.org"
    members = [{"email_address": f"{name}@example.org", "status": "subscribed"} for name in ("good", "bad")]
    answer = sandbox_server.batch(members)
    assert (answer["total_created"], answer["errors"][0]["email_address"]) == (1, "bad@example.org")


def test_one_bad_row_can_fail_a_whole_batch(sandbox_server):
    sandbox_server.control("faults", [{"vendor": "mailchimp", "do": "400", "rows": ["bad@example.org"], "times": None}])
    members = [{"email_address": f"{name}@example.org", "status": "subscribed"} for name in ("good", "bad")]
    path = f"/lists/{sandbox_server.list_id}"
    assert sandbox_server.mailchimp("POST", path, {"members": members}).status_code == 400
    assert sandbox_server.mailchimp("POST", path, {"members": members[:1]}).status_code == 200
    assert [one["address"] for one in sandbox_server.effects()] == ["good@example.org"]


def test_every_request_is_kept_with_its_time(sandbox_server):
    sandbox_server.control("ticks", {"seconds": 0})
    lists(sandbox_server)
    sandbox_server.control("ticks", {"seconds": 30})
    sandbox_server.control("faults", [{"vendor": "klaviyo", "do": "503"}])
    lists(sandbox_server)
    first, second = sandbox_server.get("/_sandbox/requests")["requests"]
    assert (second["tick"] - first["tick"], second["status"], second["path"]) == (30, "503", "/api/lists")


@pytest.mark.parametrize("wrong", [{"do": "200"}, {"do": "partial"}, {"do": "429", "chance": 1}])
def test_a_plan_that_cannot_be_meant_is_refused(sandbox_server, wrong):
    answer = sandbox_server.call("POST", "/_sandbox/faults", [{"vendor": "klaviyo", **wrong}])
    assert answer.status_code == 400 and "sandbox fault" in answer.json()["error"]


@pytest.mark.parametrize("vendor", ["hubspot", "shopify", "mailchimp", "klaviyo", "sendgrid"])
def test_every_vendor_knows_every_fault(sandbox_server, vendor):
    path = {
        "hubspot": "/hubspot/crm/objects/v3/contacts",
        "shopify": "/shopify/admin/api/2026-07/graphql.json",
        "mailchimp": "/mailchimp/3.0/lists",
        "klaviyo": LISTS,
        "sendgrid": "/sendgrid/v3/marketing/lists",
    }[vendor]
    found = {}
    for kind in KINDS:
        rows = ["a@example.org"] if kind == "partial" else []
        sandbox_server.control("faults", [{"vendor": vendor, "do": kind, "rows": rows}])
        try:
            found[kind] = str(sandbox_server.call("GET", path).status_code)
        except requests.exceptions.RequestException:
            found[kind] = "dropped"
    own = "401" if vendor == "shopify" else "200"
    expected = dict.fromkeys(KINDS, own) | dict.fromkeys(CUTTING, "dropped")
    assert found == expected | {"bodyless_403": "403", "garbage": "200", "html200": "200"}
