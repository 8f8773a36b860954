"""Klaviyo's forms and the arrangement of its calls, without a network."""

import itertools
from collections import Counter
from dataclasses import replace
from math import ceil

import duckdb
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhouse.destinations import Call, Change
from mailhouse.destinations.keys import key_of, key_sql
from mailhouse.destinations.klaviyo import RULES, wire
from mailhouse.destinations.klaviyo.arranging import Room
from mailhouse.destinations.klaviyo.batching import calls
from mailhouse.destinations.klaviyo.importing import within_size
from mailhouse.destinations.klaviyo.limits import JOB_BYTES, JOB_ROWS, LIMITS, PROFILE_BYTES

SMALL = Room(job_rows=4, job_bytes=10**9, member_rows=3)


def owed(number: int, *, write: bool = True, add: tuple = (), remove: tuple = (), fields: str = "{}") -> Change:
    address = f"person{number}@example.test"
    return Change("klaviyo", "", f"{number:08d}", f"c{number}", address, address, fields, "h", write, add, remove)


def by_action(planned: list[Call]) -> dict[str, list[Call]]:
    return {action: [call for call in planned if call.action == action] for action in ("leave", "write", "join")}


# -- one document -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("address", ["Ann@Example.test", " ann@example.test ", "JÖRG@exämple.test", "o'neil+x@example.test"])
def test_the_key_is_the_same_in_sql_and_here(address):
    assert duckdb.execute(f"select {key_sql('?')}", [address]).fetchall() == [(key_of(address),)]


def test_the_key_does_not_depend_on_how_an_address_is_written_and_folds_nothing_else():
    assert key_of("Ann@Example.TEST ") == key_of("ann@example.test")
    assert len({key_of(one) for one in ("ann@example.test", "a.nn@example.test", "ann+x@example.test")}) == 3


def test_fields_go_where_klaviyo_keeps_them():
    fields = {
        "first_name": "Ann",
        "location.city": "Bonn",
        "location.latitude": 50.7,
        "RFM group": "vip",
        "orders": 3,
        "vip": True,
    }
    change = owed(1, fields=orjson.dumps(fields).decode())
    assert wire.profile(change) == {
        "type": "profile",
        "attributes": {
            "email": change.address,
            "first_name": "Ann",
            "location": {"city": "Bonn", "latitude": 50.7},
            "properties": {"RFM group": "vip", "orders": 3, "vip": True},
        },
    }


def test_null_clears_and_is_never_sent_as_null_which_an_import_passes_over():
    fields = {"first_name": None, "location.city": None, "RFM group": None, "orders": 0}
    profile = wire.profile(owed(1, fields=orjson.dumps(fields).decode()))
    assert profile["attributes"]["first_name"] == ""
    assert profile["attributes"]["location"] == {"city": ""}
    assert profile["attributes"]["properties"] == {"orders": 0}
    assert profile["meta"] == {"patch_properties": {"unset": ["RFM group"]}}


@pytest.mark.parametrize("name", ["first_name", "location.region", "RFM group", "Lifetime spend", "größe", "email_domain"])
def test_a_standard_attribute_or_any_name_of_a_property_is_a_field(name):
    assert wire.field_trouble(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        " padded",
        "$consent",
        "$first_name",
        "email",
        "Phone_Number",
        "external_id",
        "id",
        "location.planet",
        "two\nlines",
        "x" * 256,
        7,
    ],
)
def test_a_name_that_could_touch_consent_or_identity_is_none(name):
    assert wire.field_trouble(name)


@pytest.mark.parametrize(
    ("ours", "theirs", "kept"),
    [
        (None, None, True),
        (None, "", True),
        ("", None, True),
        (None, "x", False),
        ("x", None, False),
        (3, 3.0, True),
        (3, "3", True),
        (0, None, False),
        (True, True, True),
        (True, False, False),
        (True, 1, False),
        ("a", "A", False),
        ("2026-01-01", "2026-01-01", True),
    ],
)
def test_what_is_kept_is_compared_by_its_value(ours, theirs, kept):
    assert wire.keeps(ours, theirs) is kept


@pytest.mark.parametrize(
    ("consent", "suppression", "may", "status"),
    [
        ("SUBSCRIBED", [], True, "subscribed"),
        ("NEVER_SUBSCRIBED", [], True, "never_subscribed"),
        ("SUBSCRIBED", [{"reason": "HARD_BOUNCE"}], False, "suppressed"),
        ("NEVER_SUBSCRIBED", [{"reason": "USER_SUPPRESSED"}], False, "suppressed"),
        ("UNSUBSCRIBED", [{"reason": "UNSUBSCRIBE"}], False, "unsubscribed"),
        ("UNSUBSCRIBED", [], False, "unsubscribed"),
    ],
)
def test_a_suppression_outweighs_every_consent(consent, suppression, may, status):
    marketing = {"consent": consent, "suppression": suppression, "can_receive_email_marketing": may}
    assert wire.status_of({"subscriptions": {"email": {"marketing": marketing}}}) == status
    assert (status in RULES.mailable) is may


def test_import_errors_find_their_rows_by_payload_else_by_place_and_nobody_elses():
    changes = [replace(one, key=key_of(one.address)) for one in map(owed, range(3))]
    by_payload = {
        "attributes": {"code": "x", "original_payload": {"type": "profile", "attributes": {"email": "PERSON2@example.test"}}}
    }
    by_place = {"attributes": {"code": "y", "source": {"pointer": "/data/attributes/profiles/data/1/attributes/email"}}}
    assert set(wire.failed_rows(changes, [by_payload, by_place])) == {changes[2].key, changes[1].key}
    stranger = {"attributes": {"code": "z", "original_payload": {"email": "someone@else.test"}}}
    assert wire.failed_rows(changes, [stranger]) is None
    beyond = {"attributes": {"code": "z", "source": {"pointer": "/data/attributes/profiles/data/3"}}}
    assert wire.failed_rows(changes, [beyond]) is None


def test_a_refusal_tells_its_code_and_not_the_person():
    outcome = wire.refusal("k", {"code": "Invalid", "detail": "ann@example.test is not an address, call +49 170 1234567"})
    assert (outcome.status, outcome.code) == ("rejected", "invalid")
    assert "@" not in outcome.reason
    assert "170" not in outcome.reason


def test_a_profile_of_more_than_100_kb_is_refused_as_a_row():
    exactly = PROFILE_BYTES - len(orjson.dumps(wire.profile(owed(1, fields='{"note":""}'))))
    fits = owed(1, fields='{"note":"' + "x" * exactly + '"}')
    one_more = owed(2, fields='{"note":"' + "x" * (exactly + 1) + '"}')
    fitting, refused = within_size([fits, one_more])
    assert fitting == [fits]
    assert [(one.key, one.status, one.code) for one in refused] == [(one_more.key, "rejected", "too_large")]


# -- the least calls --------------------------------------------------------------------------------------------------------
def test_5000_known_changed_people_and_one_list_are_one_call():
    planned = calls(owed(number, add=("VIP",)) for number in range(5000))
    assert [(call.action, call.membership, len(call.changes)) for call in planned] == [("write", "VIP", 5000)]
    assert all(change.add == ("VIP",) for change in planned[0].changes)


def test_leavers_go_first_then_documents_then_whoever_no_job_carries():
    planned = calls(
        [
            owed(1, add=("A",)),
            owed(2, add=("A", "B")),
            owed(3, write=False, remove=("A",)),
            owed(4, write=False, add=("A",)),
            owed(5, remove=("B",), add=("A",)),
        ]
    )
    said = [(call.action, call.membership, [int(change.key) for change in call.changes]) for call in planned]
    assert said == [
        ("leave", "A", [3]),
        ("leave", "B", [5]),
        ("write", "A", [1, 2, 5]),
        ("join", "A", [4]),
        ("join", "B", [2]),
    ]
    assert planned[4].changes[0].add == ("B",)


def test_a_job_carries_a_list_only_when_all_its_documents_join_it():
    planned = calls([owed(1, add=("A",)), owed(2)])
    assert [(call.action, call.membership) for call in planned] == [("write", ""), ("join", "A")]
    assert all(change.add == () for change in planned[0].changes)


def test_documents_are_arranged_so_that_the_fewest_have_to_be_joined_afterwards():
    # 10,000 join A and 8,000 only have new fields: together they need two jobs, of which one can carry A
    planned = calls([owed(n, add=("A",)) for n in range(0, 20_000, 2)] + [owed(n) for n in range(1, 16_000, 2)])
    made = by_action(planned)
    assert [(call.membership, len(call.changes)) for call in made["write"]] == [("A", 10_000), ("", 8_000)]
    assert made["join"] == []


def change_sets(most: int):
    lists = st.lists(st.sampled_from("ABC"), max_size=3, unique=True).map(lambda some: tuple(sorted(some)))
    return st.lists(st.tuples(st.booleans(), lists, lists), max_size=most).map(
        lambda rows: [
            owed(number, write=writes, add=add, remove=tuple(one for one in gone if one not in add))
            for number, (writes, add, gone) in enumerate(rows)
        ]
    )


@given(change_sets(30))
@settings(deadline=None, max_examples=300)
def test_every_change_travels_exactly_once_and_the_bound_is_reached(changes):
    planned = calls(changes, SMALL)
    made = by_action(planned)
    assert [call.action for call in planned] == [
        *["leave"] * len(made["leave"]),
        *["write"] * len(made["write"]),
        *["join"] * len(made["join"]),
    ]
    # what is sent is what was owed, once
    assert Counter(c.key for call in made["write"] for c in call.changes) == Counter(c.key for c in changes if c.write)
    joined = Counter((c.key, one) for call in planned if call.action != "leave" for c in call.changes for one in c.add)
    assert joined == Counter((c.key, one) for c in changes for one in c.add)
    left = Counter((c.key, one) for call in made["leave"] for c in call.changes for one in c.remove)
    assert left == Counter((c.key, one) for c in changes for one in c.remove)
    # a call holds what fits, and a job carries what all its documents join
    assert all(0 < len(call.changes) <= (SMALL.job_rows if call.action == "write" else SMALL.member_rows) for call in planned)
    assert all({c.add for c in call.changes} == {(call.membership,) if call.membership else ()} for call in made["write"])
    # the lower bound: jobs, and per list those not carried, and the leavers
    assert len(made["write"]) == ceil(sum(c.write for c in changes) / SMALL.job_rows)
    for name in "ABC":
        carried = sum(len(call.changes) for call in made["write"] if call.membership == name)
        adds, gone = (sum(name in getattr(c, kind) for c in changes) for kind in ("add", "remove"))
        assert sum(call.membership == name for call in made["join"]) == ceil((adds - carried) / SMALL.member_rows)
        assert sum(call.membership == name for call in made["leave"]) == ceil(gone / SMALL.member_rows)


def fewest_joinings(changes: list[Change], room: Room) -> int:
    """By trying every distribution of the documents over the least number of jobs."""
    written = [c for c in changes if c.write]
    count = ceil(len(written) / room.job_rows)
    adds = Counter(one for c in changes for one in c.add)
    best = sum(ceil(n / room.member_rows) for n in adds.values())
    for places in itertools.product(range(count), repeat=len(written)):
        jobs = [[c for c, place in zip(written, places, strict=True) if place == job] for job in range(count)]
        if any(len(job) > room.job_rows for job in jobs):
            continue
        choices = [["", *set.intersection(*(set(c.add) for c in job))] if job else [""] for job in jobs]
        for chosen in itertools.product(*choices):
            carried = Counter(dict.fromkeys(adds, 0))
            for name, job in zip(chosen, jobs, strict=True):
                carried[name] += len(job)
            best = min(best, sum(ceil((n - carried[name]) / room.member_rows) for name, n in adds.items()))
    return best


@given(st.lists(st.sampled_from([(), ("A",), ("B",), ("A", "B")]), min_size=1, max_size=6), st.integers(1, 2))
@settings(deadline=None, max_examples=120)
def test_no_arrangement_of_two_lists_saves_more_joinings(adds, member_rows):
    room = Room(job_rows=3, job_bytes=10**9, member_rows=member_rows)
    changes = [owed(number, add=add) for number, add in enumerate(adds)]
    joins = by_action(calls(changes, room))["join"]
    assert len(joins) == fewest_joinings(changes, room)


@given(st.lists(st.tuples(st.integers(0, 900), st.sampled_from([(), ("A",), ("A", "B")])), min_size=1, max_size=60))
@settings(deadline=None, max_examples=150)
def test_no_job_is_larger_than_it_may_be_and_none_is_made_without_need(rows):
    room = Room(job_rows=20, job_bytes=4_000, member_rows=3)
    changes = [owed(number, add=add, fields='{"n":"' + "é" * (size // 2) + '"}') for number, (size, add) in enumerate(rows)]
    jobs = by_action(calls(changes, room))["write"]
    sizes = [sum(wire.size(change) + 1 for change in call.changes) for call in jobs]
    assert all(size <= room.job_bytes for size in sizes)
    assert sorted(c.key for call in jobs for c in call.changes) == sorted(c.key for c in changes)
    total, largest = sum(sizes), max(wire.size(change) + 1 for change in changes)
    least = max(ceil(len(changes) / room.job_rows), ceil(total / room.job_bytes))
    # only the piece that does not fit in between may cost a job more than the bytes alone ask for
    assert least <= len(jobs) <= max(ceil(len(changes) / room.job_rows), ceil(total / (room.job_bytes - largest)))


def test_equal_profiles_fill_jobs_to_the_last_byte_or_row_that_fits():
    fields = '{"note":"' + "é" * 600 + '"}'
    changes = [owed(number, fields=fields) for number in range(9_000)]
    each = wire.size(changes[-1]) + 1
    jobs = by_action(calls(changes))["write"]
    assert len(jobs) == ceil(9_000 * each / (JOB_BYTES - 512))
    assert all(len(orjson.dumps(wire.job(call.changes, ["XyZ123"]))) <= JOB_BYTES for call in jobs)
    assert [len(call.changes) for call in by_action(calls(owed(n) for n in range(JOB_ROWS + 1)))["write"]] == [JOB_ROWS, 1]


# -- limits -----------------------------------------------------------------------------------------------------------------
def test_limits_are_klaviyos_own_figures_by_endpoint():
    jobs = LIMITS.endpoints["POST /api/profile-bulk-import-jobs"]
    assert (jobs.per_second, jobs.per_minute, jobs.per_day) == (10, 150, None)
    assert LIMITS.endpoints["POST /api/lists"].per_day == 150
    assert LIMITS.endpoints["GET /api/profiles"].per_minute == 750
    assert LIMITS.reserved_connections == 1
