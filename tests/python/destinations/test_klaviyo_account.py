"""Klaviyo as a destination against the sandbox: jobs, refused rows, memberships, and what is read back."""

import asyncio
from dataclasses import replace
from math import ceil, log2

import pytest

from mailhouse.destinations import Outcome
from mailhouse.destinations.keys import key_of
from mailhouse.destinations.klaviyo.account import connect
from mailhouse.destinations.klaviyo.suppression import suppress
from mailhouse.errors import ConfigurationError, CredentialsRejected, VendorUnreachable
from mailhouse.http import OutcomeUnknown
from tests.python.destinations.conftest import Vendor, change, join, leave, write

JOBS = "/api/profile-bulk-import-jobs"
MEMBERS = "/relationships/profiles"
POST_JOB, POST_MEMBERS = f"POST {JOBS}", "POST /api/lists/{id}/relationships/profiles"


@pytest.fixture
def account(vendor: Vendor) -> Vendor:
    """The sandbox with the lists VIP and News in it."""

    async def prepare(account):
        await account.prepare("", ["VIP", "News"], {"first_name": "text"})

    vendor.ask(prepare)
    vendor.writes()
    return vendor


def send(vendor: Vendor, call, references: list | None = None, **limits):
    """Send a call as the sync does: what is unknown is settled."""

    async def ask(account) -> list[Outcome]:
        try:
            return await account.send(call, (references if references is not None else []).append)
        except OutcomeUnknown:
            return await account.settle(call)

    return {outcome.key: outcome for outcome in vendor.ask(ask, **limits)}


def statuses(call, outcomes: dict) -> list[str]:
    assert set(outcomes) == {one.key for one in call.changes}
    return [outcomes[one.key].status for one in call.changes]


def faults(vendor: Vendor, *described: dict) -> None:
    vendor.runtime.faults.replace([{"vendor": "klaviyo", **one} for one in described])


def people(count: int, fields: dict | None = None, **more):
    return [change(f"person{number}", fields or {"first_name": "A"}, **more) for number in range(count)]


# -- jobs -------------------------------------------------------------------------------------------------------------------
def test_one_job_writes_everybody_and_puts_them_on_its_list(account):
    call = write(*people(250, add=("VIP",)), onto="VIP")
    references: list[str] = []
    assert set(statuses(call, send(account, call, references))) == {"accepted"}
    assert account.writes() == {POST_JOB: 1}
    assert len(references) == 1
    assert account.profile("person7@example.test")["first_name"] == "A"
    assert account.lists("person7@example.test") == {"VIP"}


def test_a_job_is_waited_for_with_growing_pauses_and_remembered_before(account):
    account.runtime.limits.change({"klaviyo": {"job_seconds": 90.0}})
    seen: list[int] = []

    async def ask(klaviyo):
        def remember(reference: str) -> None:
            seen.append(sum(count for name, count in klaviyo.counts().items() if "{job_id}" in name))

        return await klaviyo.send(write(change("ann")), remember)

    before = account.clock.now()
    (outcome,) = account.ask(ask)
    assert outcome.status == "accepted"
    assert seen == [0]
    polls = sum(one["calls"] for one in account.runtime.calls.as_json()["calls"] if one["path"].endswith("{job_id}"))
    # 0.5, 1, 2, 4, 8 and then 15 seconds apart
    assert polls == 11
    assert 90 <= (account.clock.now() - before).total_seconds() < 106


def test_null_clears_and_an_absent_field_stays(account):
    fields = {
        "first_name": "Ann",
        "last_name": "Bee",
        "location.city": "Bonn",
        "location.zip": "53111",
        "group": "vip",
        "orders": 3,
    }
    send(account, write(change("ann", fields)))
    cleared = {"first_name": None, "location.city": None, "group": None}
    call = write(change("ann", cleared))
    assert statuses(call, send(account, call)) == ["accepted"]
    kept = account.profile("ann@example.test")
    assert (kept["first_name"], kept["last_name"]) == (None, "Bee")
    assert (kept["location"]["city"] or None, kept["location"]["zip"]) == (None, "53111")
    assert kept["properties"] == {"orders": 3}


def test_a_refused_row_keeps_its_code_and_the_others_land(account):
    call = write(*people(5, add=("VIP",)), change("not-an@address", add=("VIP",)), onto="VIP")
    outcomes = send(account, call)
    bad = key_of("not-an@address")
    assert outcomes[bad].status == "rejected"
    assert outcomes[bad].code == "invalid"
    assert "@" not in outcomes[bad].reason
    assert sorted(statuses(call, outcomes)) == ["accepted"] * 5 + ["rejected"]
    assert account.writes() == {POST_JOB: 1}
    assert account.lists("person4@example.test") == {"VIP"}


def test_more_refused_rows_than_one_page_of_errors_holds(account):
    call = write(*people(10), *(change(f"bad{number}@nowhere") for number in range(130)))
    assert sorted(statuses(call, send(account, call))) == ["accepted"] * 10 + ["rejected"] * 130
    assert account.writes() == {POST_JOB: 1}


def test_one_row_that_fails_a_whole_job_is_found_by_halving(account):
    bad = "person41@example.test"
    faults(account, {"method": "POST", "path_contains": JOBS, "do": "400", "rows": [bad], "times": None})
    call = write(*people(200, add=("VIP",)), onto="VIP")
    references: list[str] = []
    outcomes = send(account, call, references)
    assert [key for key, one in outcomes.items() if one.status != "accepted"] == [key_of(bad)]
    assert outcomes[key_of(bad)].code == "http_400"
    assert account.writes()[POST_JOB] <= 1 + 2 * ceil(log2(200))
    assert account.lists("person199@example.test") == {"VIP"}
    # the parts of a search are no jobs that anybody would have to come back to
    assert references == []


def test_a_profile_that_is_too_large_is_refused_without_being_sent(account):
    call = write(change("ann"), change("big", {"note": "x" * 100_001}))
    outcomes = send(account, call)
    assert outcomes[key_of("big@example.test")].code == "too_large"
    assert outcomes[key_of("ann@example.test")].status == "accepted"
    alone = write(change("big", {"note": "x" * 100_001}))
    account.writes()
    assert statuses(alone, send(account, alone)) == ["rejected"]
    assert account.writes() == {}


# -- jobs that were left ----------------------------------------------------------------------------------------------------
def test_a_stored_job_is_asked_about_and_nothing_is_sent(account):
    references: list[str] = []
    call = write(*people(3, add=("VIP",)), change("bad@nowhere", add=("VIP",)), onto="VIP")
    first = send(account, call, references)
    account.writes()

    async def resume(klaviyo):
        return await klaviyo.resume(call, references[0])

    assert {outcome.key: outcome for outcome in account.ask(resume)} == first
    assert account.writes() == {}


def test_a_job_that_klaviyo_has_forgotten_is_settled_by_reading(account):
    call = write(*people(2))
    send(account, call)

    async def resume(klaviyo):
        with pytest.raises(OutcomeUnknown):
            await klaviyo.resume(call, "01JZZZZZZZZZZZZZZZZZZZZZZZ")
        return await klaviyo.settle(call)

    assert {outcome.status for outcome in account.ask(resume)} == {"accepted"}


@pytest.mark.parametrize(
    ("do", "taken"),
    [
        ("timeout_after_apply", True),
        ("truncated", True),
        ("wrong_count", True),
        ("reset", False),
        ("html200", False),
        ("garbage", False),
    ],
)
def test_an_answer_that_cannot_be_believed_is_settled_by_reading_back(account, do, taken):
    account.runtime.limits.change({"klaviyo": {"job_seconds": 20.0}})
    faults(account, {"method": "POST", "path_contains": JOBS, "do": do})
    call = write(*people(4, add=("VIP",)), onto="VIP")
    assert set(statuses(call, send(account, call, timeout=0.5))) == {"accepted" if taken else "try_again"}
    assert (account.lists("person3@example.test") == {"VIP"}) is taken


def test_reading_back_sees_what_was_not_taken(account):
    send(account, write(change("ann", {"first_name": "Ann", "orders": 1}), change("bob", {"first_name": "Bob"})))
    asked = write(
        change("ann", {"first_name": "Ann", "orders": 2}),
        change("bob", {"first_name": "Bob", "group": None}),
        change("cy", {"first_name": "Cy"}),
    )

    async def settle(klaviyo):
        return await klaviyo.settle(asked)

    said = {outcome.key: outcome.status for outcome in account.ask(settle)}
    assert [said[key_of(f"{name}@example.test")] for name in ("ann", "bob", "cy")] == ["try_again", "accepted", "try_again"]


def test_a_wrong_count_of_a_finished_job_is_not_believed(account):
    faults(account, {"method": "GET", "path_contains": f"{JOBS}/", "do": "wrong_count"})
    call = write(*people(3))
    assert set(statuses(call, send(account, call))) == {"accepted"}
    reads = [one["path"] for one in account.runtime.calls.as_json()["calls"]]
    assert "/api/profiles" in reads


def test_a_vendor_that_goes_away_while_a_job_runs_leaves_it_unknown_and_not_unsent(account):
    account.runtime.limits.change({"klaviyo": {"job_seconds": 5.0}})
    faults(account, {"method": "GET", "path_contains": JOBS, "do": "500", "times": None})

    async def ask(klaviyo):
        with pytest.raises(OutcomeUnknown):
            await klaviyo.send(write(change("ann")), lambda _: None)
        return True

    assert account.ask(ask, failures_to_open=50)


def test_a_refused_key_stops_at_the_first_call(account):
    refused = replace(account.connection(), sandbox_secrets={"api_key": "pk_of_somebody_else"})

    async def ask():
        async with connect(refused, account.clock) as klaviyo:
            await klaviyo.send(write(change("ann")), lambda _: None)

    with pytest.raises(CredentialsRejected) as told:
        asyncio.run(ask())
    assert "pk_of" not in str(told.value)
    assert account.writes() == {POST_JOB: 1}


# -- memberships ------------------------------------------------------------------------------------------------------------
def test_people_join_by_klaviyos_id_or_by_their_address_and_leave_again(account):
    send(account, write(change("ann"), change("bob"), change("cy")))
    known = account.profile("ann@example.test")["id"]
    call = join("VIP", change("ann", vendor_id=known), change("bob"), change("cy"))
    outcomes = send(account, call)
    assert set(statuses(call, outcomes)) == {"accepted"}
    # so that nobody need be looked up again
    assert outcomes[key_of("bob@example.test")].vendor_id == account.profile("bob@example.test")["id"]
    assert account.lists("cy@example.test") == {"VIP"}
    off = leave("VIP", change("ann", vendor_id=known), change("bob"))
    assert set(statuses(off, send(account, off))) == {"accepted"}
    assert account.lists("ann@example.test") == account.lists("bob@example.test") == set()
    assert account.lists("cy@example.test") == {"VIP"}


def test_many_are_looked_up_a_hundred_at_a_time_and_moved_by_one_call(account):
    changes = people(230)
    send(account, write(*changes))
    account.writes()
    call = join("News", *changes)
    assert set(statuses(call, send(account, call))) == {"accepted"}
    assert account.writes() == {POST_MEMBERS: 1}
    assert account.lists("person229@example.test") == {"News"}


def test_who_has_no_profile_cannot_join_and_has_left_already(account):
    send(account, write(change("ann")))
    call = join("VIP", change("ann"), change("nobody"))
    outcomes = send(account, call, settle_time=2.0)
    assert statuses(call, outcomes) == ["accepted", "rejected"]
    assert outcomes[call.changes[1].key].code == "no_profile"
    off = leave("VIP", change("nobody"))
    assert statuses(off, send(account, off)) == ["accepted"]


def test_an_id_that_klaviyo_no_longer_has_is_looked_up_anew(account):
    send(account, write(*(change(name) for name in ("ann", "bob", "cy"))))
    gone = change("gone", vendor_id="01J00000000000000000000000")
    stale = change("bob", vendor_id="01J11111111111111111111111")
    good = change("ann", vendor_id=account.profile("ann@example.test")["id"])
    call = join("VIP", good, stale, gone)
    outcomes = send(account, call, settle_time=1.0)
    assert statuses(call, outcomes) == ["accepted", "accepted", "rejected"]
    assert outcomes[gone.key].code == "no_profile"
    assert account.lists("bob@example.test") == {"VIP"}


def test_a_list_that_was_removed_is_left_by_everybody_and_joined_by_nobody(account):
    send(account, write(change("ann")))
    list_id = account.list_id("VIP")

    async def removed_meanwhile(klaviyo):
        await klaviyo.actual("", "VIP")  # the id is known from here on
        account.store.delete("klaviyo.list", list_id)
        left = await klaviyo.send(leave("VIP", change("ann")), lambda _: None)
        with pytest.raises(ConfigurationError, match="no list called 'VIP' any more"):
            await klaviyo.send(join("VIP", change("ann")), lambda _: None)
        return left

    assert [outcome.status for outcome in account.ask(removed_meanwhile)] == ["accepted"]

    async def write_onto_it(klaviyo):
        await klaviyo.send(write(change("ann", add=("VIP",)), onto="VIP"), lambda _: None)

    with pytest.raises(ConfigurationError):
        account.ask(write_onto_it)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_move_nobody_answered_is_settled_by_reading_the_list(account, method):
    send(account, write(*(change(name, add=("News",)) for name in ("ann", "bob")), onto="News"))
    make = join if method == "POST" else leave
    name = "VIP" if method == "POST" else "News"
    for do, expected in (("timeout_after_apply", "accepted"), ("html200", "try_again")):
        faults(account, {"method": method, "path_contains": MEMBERS, "do": do})
        call = make(name, change("ann" if expected == "accepted" else "bob"))
        assert statuses(call, send(account, call)) == [expected]


# -- lists, flows and records -----------------------------------------------------------------------------------------------
def test_lists_are_found_by_name_and_made_once(account):
    names = [f"List {number}" for number in range(13)]

    async def prepare(klaviyo):
        await klaviyo.prepare("", names, {})
        await klaviyo.prepare("", [*names, "VIP"], {})

    account.ask(prepare)
    assert account.writes() == {"POST /api/lists": 13}
    account.ask(prepare)
    assert account.writes() == {}


def test_a_list_whose_making_was_not_answered_is_not_made_twice(account):
    faults(account, {"method": "POST", "path_contains": "/api/lists", "do": "timeout_after_apply"})

    async def prepare(klaviyo):
        await klaviyo.prepare("", ["Once"], {})

    account.ask(prepare)
    assert account.writes() == {"POST /api/lists": 1}
    assert account.list_id("Once")


def test_two_lists_of_one_name_are_nobodys_audience(account):
    async def another(klaviyo):
        body = {"data": {"type": "list", "attributes": {"name": "VIP"}}}
        await klaviyo._client.write("POST", "/api/lists", "/api/lists", body)

    account.ask(another)
    with pytest.raises(ConfigurationError, match="two lists are called 'VIP'"):
        send(account, join("VIP", change("ann")))


def test_the_live_flows_of_a_list_are_named(account):
    account.add_flow("F1", "Welcome", "VIP")
    account.add_flow("F2", "Draft of spring", "VIP", status="draft")
    account.add_flow("F3", "Another", "News", status="manual")

    async def automations(klaviyo):
        return await klaviyo.automations("", ["VIP", "News", "Nowhere"])

    assert account.ask(automations) == {"VIP": ("Welcome",)}


def test_who_is_on_a_list_is_read_page_by_page_with_the_lists_own_count(account):
    changes = people(130, add=("VIP",))
    send(account, write(*changes, onto="VIP"))

    async def actual(klaviyo):
        return await klaviyo.actual("", "VIP"), await klaviyo.actual("", "Nowhere")

    there, nowhere = account.ask(actual)
    assert there.keys == {one.key for one in changes}
    assert (there.reported, there.settled) == (130, True)
    assert (nowhere.keys, nowhere.reported, nowhere.settled) == (frozenset(), 0, True)


def test_a_count_that_never_agrees_is_told_as_such(account):
    send(account, write(*people(3, add=("VIP",)), onto="VIP"))
    faults(account, {"method": "GET", "path_contains": "profile_count", "do": "wrong_count", "times": None})

    async def actual(klaviyo):
        return await klaviyo.actual("", "VIP")

    there = account.ask(actual, settle_time=8.0)
    assert (len(there.keys), there.reported, there.settled) == (3, 4, False)


def test_records_tell_fields_memberships_and_who_may_be_mailed(account):
    send(account, write(change("ann", {"first_name": "Ann", "orders": 3, "location.city": None}, add=("VIP",)), onto="VIP"))
    send(account, write(change("bob", {"orders": 1})))
    send(account, join("News", change("ann")))

    async def read(klaviyo):
        await suppress(klaviyo._client, ["bob@example.test"])
        return await klaviyo.records("", ["VIP", "News", "Nowhere"], ["first_name", "orders", "location.city"])

    records = {record.address: record for record in account.ask(read)}
    ann, bob = records["ann@example.test"], records["bob@example.test"]
    assert ann.fields == '{"first_name":"Ann","location.city":null,"orders":3}'
    assert (ann.memberships, ann.status) == (frozenset({"VIP", "News"}), "never_subscribed")
    assert ann.vendor_id == account.profile("ann@example.test")["id"]
    assert (bob.memberships, bob.status) == (frozenset(), "suppressed")
    assert "ann" not in repr(ann)


# -- a no -------------------------------------------------------------------------------------------------------------------
def test_suppressing_reads_back_every_address_and_isolates_the_one_that_is_none(account):
    send(account, write(*people(150)))
    account.writes()
    addresses = [f"person{number}@example.test" for number in range(150)] + ["Stranger@Example.test", "no address"]

    async def ask(klaviyo):
        return await suppress(klaviyo._client, addresses)

    outcomes = account.ask(ask)
    assert [outcome.key for outcome in outcomes] == [key_of(address) for address in addresses]
    assert [outcome.status for outcome in outcomes] == ["accepted"] * 151 + ["rejected"]
    assert account.profile("person149@example.test")["marketing"]["suppression"][0]["reason"] == "USER_SUPPRESSED"
    assert account.profile("stranger@example.test")["marketing"]["suppression"]
    # two jobs of at most 100, and one without the address that was refused
    assert account.writes() == {"POST /api/profile-suppression-bulk-create-jobs": 3}


def test_a_suppression_nobody_answered_is_known_by_reading_back(account):
    send(account, write(change("ann"), change("bob")))
    for do, expected in (("timeout_after_apply", "accepted"), ("reset", "try_again")):
        faults(account, {"method": "POST", "path_contains": "suppression-bulk-create", "do": do})

        async def ask(klaviyo, name="ann" if expected == "accepted" else "bob"):
            return await suppress(klaviyo._client, [f"{name}@example.test"])

        (outcome,) = account.ask(ask)
        assert outcome.status == expected


def test_an_unreachable_vendor_is_unreachable_and_nothing_is_thought_sent(account):
    nobody = replace(account.connection(), url="http://127.0.0.1:9/klaviyo")

    async def ask():
        async with connect(nobody, account.clock) as klaviyo:
            await klaviyo.send(write(change("ann")), lambda _: None)

    with pytest.raises(VendorUnreachable):
        asyncio.run(ask())
