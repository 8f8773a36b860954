"""The only calls that change whom Klaviyo may mail, and just what each of them does."""

import pytest

SUBSCRIBE, UNSUBSCRIBE = "profile-subscription-bulk-create-job", "profile-subscription-bulk-delete-job"
SUPPRESS, UNSUPPRESS = "profile-suppression-bulk-create-job", "profile-suppression-bulk-delete-job"


def address(name):
    return f"{name}@example.org"


def consent_job(sandbox, kind, *names, on_list=None, status=202, consented_at=None, **attributes):
    word = "SUBSCRIBED" if kind == SUBSCRIBE else "UNSUBSCRIBED"
    marketing = {"consent": word} | ({"consented_at": consented_at} if consented_at else {})
    data = [
        {"type": "profile", "attributes": {"email": address(name), "subscriptions": {"email": {"marketing": marketing}}}}
        for name in names
    ]
    job = {"type": kind, "attributes": {"profiles": {"data": data}, **attributes}}
    if on_list:
        job["relationships"] = {"list": {"data": {"type": "list", "id": on_list}}}
    return sandbox.klaviyo("POST", f"/{kind}s", {"data": job}, status=status)


def suppression_job(sandbox, kind, *names, on_list=None, status=202):
    job = {"type": kind, "attributes": {}}
    if names:
        job["attributes"]["profiles"] = {"data": [{"type": "profile", "attributes": {"email": address(name)}} for name in names]}
    if on_list:
        job["relationships"] = {"list": {"data": {"type": "list", "id": on_list}}}
    return sandbox.klaviyo("POST", f"/{kind}s", {"data": job}, status=status)


def marketing(sandbox, name):
    params = {"filter": f"equals(email,'{address(name)}')", "additional-fields[profile]": "subscriptions"}
    return sandbox.klaviyo("GET", "/profiles", **params)["data"][0]["attributes"]["subscriptions"]["email"]["marketing"]


def reasons(sandbox, name):
    return [one["reason"] for one in marketing(sandbox, name)["suppression"]]


def test_subscribing_lifts_all_suppressions_but_bounces(sandbox_server):
    consent_job(sandbox_server, SUBSCRIBE, "bob", "cay", "dan", "eve", "new")
    assert {name: reasons(sandbox_server, name) for name in ("bob", "cay", "dan", "eve", "new")} == {
        "bob": [],
        "cay": ["HARD_BOUNCE"],
        "dan": [],
        "eve": [],
        "new": [],
    }
    assert marketing(sandbox_server, "bob")["consent"] == "SUBSCRIBED"
    lifted = {(one["address"], one["before"]["reason"]) for one in sandbox_server.effects("unsuppressed")}
    assert lifted == {(address("bob"), "UNSUBSCRIBE"), (address("dan"), "SPAM_COMPLAINT"), (address("eve"), "USER_SUPPRESSED")}


def test_a_list_of_double_opt_in_asks_first(sandbox_server):
    consent_job(sandbox_server, SUBSCRIBE, "fay", on_list="LstTwo")
    assert marketing(sandbox_server, "fay")["consent"] == "NEVER_SUBSCRIBED"
    assert sandbox_server.klaviyo("GET", "/lists/LstTwo/profiles")["data"] == []
    assert [(one["effect"], one["address"]) for one in sandbox_server.effects()] == [("confirmation", address("fay"))]


def test_history_is_taken_over_without_mail_or_flow(sandbox_server):
    then = "2025-03-04T05:06:07+00:00"
    consent_job(sandbox_server, SUBSCRIBE, "fay", on_list="LstNew", historical_import=True, consented_at=then)
    assert marketing(sandbox_server, "fay")["consent_timestamp"] == then
    assert {one["effect"] for one in sandbox_server.effects()} == {"consent", "joined"}
    for more in ({"historical_import": True}, {"historical_import": True, "consented_at": "2030-01-01T00:00:00Z"}):
        consent_job(sandbox_server, SUBSCRIBE, "fay", status=400, **more)
    consent_job(sandbox_server, SUBSCRIBE, "fay", status=400, consented_at=then)


def test_unsubscribing_from_a_list_unsubscribes_others_everywhere(sandbox_server):
    consent_job(sandbox_server, UNSUBSCRIBE, "ann", "fay", "new", on_list="LstAll")
    ann = marketing(sandbox_server, "ann")
    assert (ann["consent"], ann["suppression"], ann["list_suppressions"][0]["list_id"]) == ("SUBSCRIBED", [], "LstAll")
    for name in ("fay", "new"):
        assert marketing(sandbox_server, name)["consent"] == "UNSUBSCRIBED"
        assert reasons(sandbox_server, name) == ["UNSUBSCRIBE"]


def test_suppressing_by_hand_and_lifting_just_that(sandbox_server):
    job = suppression_job(sandbox_server, SUPPRESS, "ann", "eve", "new")["data"]
    done = sandbox_server.klaviyo("GET", f"/{SUPPRESS}s/{job['id']}")["data"]["attributes"]
    assert (done["status"], done["total_count"], done["completed_count"], done["skipped_count"]) == ("complete", 3, 2, 1)
    assert not marketing(sandbox_server, "ann")["can_receive_email_marketing"]
    assert reasons(sandbox_server, "new") == ["USER_SUPPRESSED"]
    suppression_job(sandbox_server, UNSUPPRESS, "ann", "bob", "cay", "dan", "nobody")
    found = [reasons(sandbox_server, name) for name in ("ann", "bob", "cay", "dan")]
    assert found == [[], ["UNSUBSCRIBE"], ["HARD_BOUNCE"], ["SPAM_COMPLAINT"]]
    assert sandbox_server.store.by_email("klaviyo.profile", address("nobody")) == []


def test_a_whole_list_can_be_suppressed(sandbox_server):
    job = suppression_job(sandbox_server, SUPPRESS, on_list="LstAll")["data"]
    assert job["attributes"]["total_count"] == 5
    assert "USER_SUPPRESSED" in reasons(sandbox_server, "ann")
    listed = sandbox_server.klaviyo("GET", f"/{SUPPRESS}s", filter="equals(status,'complete')")["data"]
    assert [one["id"] for one in listed] == [job["id"]]
    sandbox_server.klaviyo("GET", f"/{UNSUPPRESS}s/{job['id']}", status=404)


@pytest.mark.parametrize(
    ("make", "kind", "most"), [(consent_job, SUBSCRIBE, 1_000), (consent_job, UNSUBSCRIBE, 100), (suppression_job, SUPPRESS, 100)]
)
def test_no_more_than_klaviyo_takes(sandbox_server, make, kind, most):
    make(sandbox_server, kind, *(f"p{number}" for number in range(most + 1)), status=400)
    make(sandbox_server, kind, *(f"p{number}" for number in range(most)))
    assert sandbox_server.store.count("klaviyo.profile") == 8  # done later: by the next call, or by whoever looks
    assert len(sandbox_server.effects("created")) == most


def test_the_wrong_word_is_refused(sandbox_server):
    data = [
        {"type": "profile", "attributes": {"email": address("a"), "subscriptions": {"email": {"marketing": {"consent": "YES"}}}}}
    ]
    job = {"type": SUBSCRIBE, "attributes": {"profiles": {"data": data}}}
    sandbox_server.klaviyo("POST", f"/{SUBSCRIBE}s", {"data": job}, status=400)
    job["attributes"]["profiles"]["data"] = [{"type": "profile", "attributes": {"email": address("a")}}]
    sandbox_server.klaviyo("POST", f"/{SUBSCRIBE}s", {"data": job}, status=400)
