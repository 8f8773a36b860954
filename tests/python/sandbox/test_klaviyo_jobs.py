"""Klaviyo's jobs: taken at once, done later whoever asks, an error for each profile that was refused."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

ERRORS = "/profile-bulk-import-jobs/{}/import-errors"


def status_of(sandbox, job):
    return sandbox.klaviyo("GET", f"/profile-bulk-import-jobs/{job['id']}")["data"]["attributes"]


def on_list(sandbox, name):
    path = f"/lists/{name}/profiles"
    return {one["attributes"]["email"] for one in sandbox.klaviyo("GET", path, **{"page[size]": 100})["data"]}


def slow(sandbox, **numbers):
    sandbox.control("limits", {"klaviyo": {"job_seconds": 3600.0, **numbers}})


def test_a_job_is_taken_polled_and_done(sandbox_server):
    slow(sandbox_server, job_polls=2)
    job = sandbox_server.import_profiles([{"email": f"p{number}@example.org"} for number in range(30)], "LstAll")
    assert (job["attributes"]["status"], job["attributes"]["total_count"]) == ("queued", 30)
    assert [status_of(sandbox_server, job)["status"] for _ in range(3)] == ["queued", "processing", "complete"]
    done = status_of(sandbox_server, job)
    assert (done["completed_count"], done["failed_count"]) == (30, 0)
    assert len(on_list(sandbox_server, "LstAll")) == 35


def test_a_job_is_done_though_nobody_asks(sandbox_server):
    sandbox_server.control("ticks", {"seconds": 0})
    slow(sandbox_server)
    sandbox_server.import_profiles([{"email": "late@example.org"}], "LstTwo")
    assert on_list(sandbox_server, "LstTwo") == set()
    sandbox_server.control("ticks", {"seconds": 3601})
    assert on_list(sandbox_server, "LstTwo") == {"late@example.org"}
    listed = sandbox_server.klaviyo("GET", "/profile-bulk-import-jobs", filter='equals(status,"complete")')["data"]
    assert [one["relationships"]["lists"]["data"] for one in listed] == [[{"type": "list", "id": "LstTwo"}]]


def test_a_job_survives_the_server(sandbox_server):
    slow(sandbox_server)
    sandbox_server.import_profiles([{"email": "late@example.org"}])
    from mailhouse.sandbox.klaviyo import Klaviyo

    anew = Klaviyo(sandbox_server.runtime)
    anew.jobs.settle()
    assert sandbox_server.store.by_email("klaviyo.profile", "late@example.org")


def test_each_refused_profile_has_its_error(sandbox_server):
    given = [
        {"email": "good@example.org", "first_name": "Good"},
        {"email": "no address"},
        {"email": "phone@example.org", "phone_number": "12"},
        {"first_name": "Nobody"},
        {"email": "GOOD@example.org", "last_name": "Again"},
    ]
    job = sandbox_server.import_profiles(given)
    done = status_of(sandbox_server, job)
    assert (done["status"], done["total_count"], done["completed_count"], done["failed_count"]) == ("complete", 5, 2, 3)
    first = sandbox_server.klaviyo("GET", ERRORS.format(job["id"]), **{"page[size]": 2})
    rest = sandbox_server.call("GET", first["links"]["next"].removeprefix(sandbox_server.url)).json()
    found = [one["attributes"] for one in (*first["data"], *rest["data"])]
    assert [one["original_payload"]["attributes"] for one in found] == given[1:4]
    prefix = "/data/attributes/profiles/data"
    assert [one["source"]["pointer"].removeprefix(prefix) for one in found] == [
        "/1/attributes/email",
        "/2/attributes/phone_number",
        "/3/attributes",
    ]
    good = sandbox_server.klaviyo("GET", "/profiles", filter='equals(email,"good@example.org")')["data"][0]["attributes"]
    assert (good["first_name"], good["last_name"]) == ("Good", "Again")


def test_an_import_touches_no_consent(sandbox_server):
    before = {row.id: row.body["marketing"] for row in sandbox_server.store.page("klaviyo.profile", limit=100)}
    job = sandbox_server.import_profiles(
        [{"email": f"{name}@example.org", "title": "Dr"} for name in ("bob", "cay", "dan", "eve")], "LstNew"
    )
    assert status_of(sandbox_server, job)["completed_count"] == 4
    after = {row.id: row.body["marketing"] for row in sandbox_server.store.page("klaviyo.profile", limit=100)}
    assert after == before
    assert {one["effect"] for one in sandbox_server.effects()} == {"changed", "joined", "entered"}


@pytest.mark.parametrize(
    ("profiles", "status"),
    [
        ([], 400),
        ([{"email": "a@example.org", "first_name": 1}], 400),
        ([{"email": f"p{number}@example.org"} for number in range(10_001)], 400),
        ([{"email": f"p{number}@example.org", "title": "x" * 1_000} for number in range(5_000)], 413),
    ],
)
def test_a_job_that_will_not_do_is_refused_as_a_whole(sandbox_server, profiles, status):
    data = [{"type": "profile", "attributes": attributes} for attributes in profiles]
    job = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": data}}}
    sandbox_server.klaviyo("POST", "/profile-bulk-import-jobs", {"data": job}, status=status)
    assert sandbox_server.klaviyo("GET", "/profile-bulk-import-jobs")["data"] == []


def test_ten_thousand_profiles_are_one_job(sandbox_server):
    given = [{"email": f"p{number}@example.org", "properties": {"Orders": number}} for number in range(10_000)]
    for round_ in range(2):
        job = sandbox_server.import_profiles(given, "LstTwo")
        assert status_of(sandbox_server, job)["completed_count"] == 10_000
        if not round_:
            assert len(sandbox_server.effects("created")) == len(sandbox_server.effects("joined")) == 10_000
            sandbox_server.call("DELETE", "/_sandbox/effects")
    assert sandbox_server.effects() == []


def test_jobs_of_many_callers_at_once_are_each_done_once(sandbox_server):
    """Any call does what is due of the others' jobs."""

    def caller(number):
        jobs = [
            sandbox_server.import_profiles([{"email": f"p{number}-{turn}@example.org"}, {"email": "all@example.org"}], "LstNew")
            for turn in range(4)
        ]
        return [status_of(sandbox_server, job) for job in jobs]

    with ThreadPoolExecutor(8) as threads:
        done = [status for found in threads.map(caller, range(8)) for status in found]
    assert {(one["status"], one["completed_count"], one["failed_count"]) for one in done} == {("complete", 2, 0)}
    effects = Counter((one["effect"], one["address"]) for one in sandbox_server.effects())
    assert len(effects) == 3 * 33 and set(effects.values()) == {1}
