"""SendGrid as a destination against the sandbox: upserts, refused rows, leavers, and what is read back."""

from collections.abc import Iterator

import pytest

from mailhouse.errors import ConfigurationError, CredentialsRejected
from mailhouse.sandbox import members
from mailhouse.sandbox.sendgrid_people import CONTACT, contact_row
from mailhouse.sandbox.sendgrid_suppressions import SUPPRESSION, entry_row
from tests.python.destinations.conftest import NOW
from tests.python.destinations.sendgrid_vendor import SendGridVendor, leave, people, person, statuses, upsert

CONTACTS, LEAVE = "/v3/marketing/contacts", "/v3/marketing/lists/{id}/contacts"
PUT, DELETE = f"PUT {CONTACTS}", f"DELETE {LEAVE}"
FIELDS = {"first_name": "text", "orders": "number", "last_order": "date", "city": "text", "is_vip": "boolean"}


@pytest.fixture(scope="module")
def sendgrid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SendGridVendor]:
    made = SendGridVendor(tmp_path_factory.mktemp("sendgrid") / "sandbox")
    yield made
    made.close()


@pytest.fixture
def account(sendgrid: SendGridVendor) -> SendGridVendor:
    """The sandbox with the lists VIP and News, the fields, and nobody in it."""
    sendgrid.empty()

    async def prepare(account):
        await account.prepare("", ["VIP", "News"], FIELDS)

    sendgrid.ask(prepare)
    sendgrid.writes()
    return sendgrid


# -- upserts ----------------------------------------------------------------------------------------------------------------
def test_one_upsert_writes_everybody_and_puts_them_on_their_lists(account):
    call = upsert(people(250, add=("News", "VIP")))
    references: list[str] = []
    assert set(statuses(call, account.send(call, references))) == {"accepted"}
    assert account.writes() == {PUT: 1}
    assert len(references) == 1
    assert account.contact("person7@example.test")["first_name"] == "A"
    assert account.lists("person7@example.test") == {"VIP", "News"}


def test_an_address_is_kept_in_lower_case_and_is_one_person(account):
    account.send(upsert([person("Ann@Example.test", {"first_name": "Ann"})]))
    account.send(upsert([person("ann@example.test", {"city": "Rome"})]))
    assert account.store.count(CONTACT) == 1
    assert account.contact("ann@example.test")["first_name"] == "Ann"
    assert account.contact("ann@example.test")["city"] == "Rome"


def test_fields_are_written_by_id_in_their_types(account):
    fields = {"orders": 3, "last_order": "2026-04-05", "is_vip": True, "first_name": "A" * 60}
    call = upsert([person("ann", fields)])
    assert statuses(call, account.send(call)) == ["accepted"]
    kept = account.contact("ann@example.test")
    assert kept["custom_fields"] == {"orders": 3, "last_order": "2026-04-05T00:00:00Z", "is_vip": "true"}
    assert kept["first_name"] == "A" * 50
    assert statuses(call, {one.key: one for one in account.ask(lambda open_: open_.settle(call))}) == ["accepted"]


def test_null_empties_a_text_and_leaves_what_cannot_be_emptied(account):
    account.send(upsert([person("ann", {"first_name": "Ann", "orders": 3, "is_vip": True})]))
    call = upsert([person("ann", {"first_name": None, "orders": None, "is_vip": None})])
    assert statuses(call, account.send(call)) == ["accepted"]
    assert account.contact("ann@example.test")["first_name"] == ""
    assert account.contact("ann@example.test")["custom_fields"] == {"orders": 3, "is_vip": ""}
    assert [one.status for one in account.ask(lambda open_: open_.settle(call))] == ["accepted"]


def test_a_document_travels_whole_with_each_list_that_it_joins(account):
    account.send(upsert([person("ann", {"first_name": "Ann"})]))
    account.store.delete(CONTACT, account.contact("ann@example.test")["id"])
    account.send(upsert([person("ann", {"first_name": "Ann"}, write=False, add=("VIP",))]))
    assert account.contact("ann@example.test")["first_name"] == "Ann"
    assert account.lists("ann@example.test") == {"VIP"}


def test_a_job_is_waited_for_with_growing_pauses(account):
    account.runtime.limits.change({"sendgrid": {"job_seconds": 90.0}})
    before = account.clock.now()
    call = upsert([person("ann")])
    assert statuses(call, account.send(call)) == ["accepted"]
    assert 90 <= (account.clock.now() - before).total_seconds() < 150
    assert account.writes() == {PUT: 1}


def test_a_refused_row_is_named_by_the_file_of_errors_and_the_others_land(account):
    account.faults({"do": "partial", "method": "PUT", "rows": ["person3@example.test"]})
    call = upsert(people(6))
    outcomes = account.send(call)
    refused = [key for key, one in outcomes.items() if one.status == "rejected"]
    assert refused == [people(6)[3].key]
    assert "@" not in outcomes[refused[0]].reason
    assert account.store.count(CONTACT) == 5
    assert account.writes() == {PUT: 1}


def test_a_contact_known_by_more_than_its_address_is_written_with_all_of_it(account):
    at = "2026-05-01T00:00:00.000Z"
    account.store.put(CONTACT, contact_row("old", "ann@example.test", at, external_id="crm-7", first_name="Before"))
    call = upsert([*people(3), person("ann", {"first_name": "Ann"})])
    assert set(statuses(call, account.send(call))) == {"accepted"}
    assert account.contact("ann@example.test")["first_name"] == "Ann"
    assert account.contact("ann@example.test")["external_id"] == "crm-7"
    assert account.writes() == {PUT: 2}


def test_a_whole_refusal_is_halved_until_the_bad_row_is_found(account):
    account.faults({"do": "400", "method": "PUT", "rows": ["person5@example.test"], "times": None})
    call = upsert(people(16))
    outcomes = account.send(call)
    assert [one.key for one in call.changes if outcomes[one.key].status == "rejected"] == [people(16)[5].key]
    assert account.store.count(CONTACT) == 15


def test_an_address_that_could_not_be_found_again_is_never_written(account):
    long = f"{'a' * 60}@{'b' * 50}.example.test"
    call = upsert([person(long), person("ann")])
    outcomes = account.send(call)
    assert outcomes[person(long).key].code == "address_too_long"
    assert account.store.count(CONTACT) == 1


@pytest.mark.parametrize("fault", ["timeout_after_apply", "truncated"])
def test_an_upsert_without_an_answer_is_read_back(account, fault):
    account.faults({"do": fault, "method": "PUT", "seconds": 0.0})
    call = upsert(people(3, {"first_name": "A", "orders": 2}, add=("VIP",)))
    assert set(statuses(call, account.send(call))) == {"accepted"}
    assert account.writes() == {PUT: 1}


def test_counts_of_a_job_that_are_not_of_the_call_are_read_back(account):
    account.faults({"do": "wrong_count", "path_contains": "/imports/"})
    call = upsert(people(3))
    assert set(statuses(call, account.send(call))) == {"accepted"}


def test_a_throttled_endpoint_is_left_alone_until_its_reset(account):
    account.runtime.limits.change({"sendgrid": {"calls_per_minute": 2}})
    before = account.clock.now()
    for number in range(5):
        call = upsert([person(f"p{number}")])
        assert statuses(call, account.send(call)) == ["accepted"]
    statuses_seen = [one["statuses"] for one in account.runtime.calls.as_json()["calls"] if one["method"] == "PUT"]
    assert statuses_seen == [{"202": 5}]
    assert (account.clock.now() - before).total_seconds() >= 60


def test_a_429_is_waited_out_by_its_reset(account):
    account.faults({"do": "429", "method": "PUT", "times": 2})
    call = upsert([person("ann")])
    assert statuses(call, account.send(call)) == ["accepted"]


# -- leavers ----------------------------------------------------------------------------------------------------------------
def test_leavers_are_one_look_up_and_one_removal_a_hundred(account):
    joined = people(100, add=("VIP",))
    account.send(upsert(joined))
    account.runtime.calls.clear()
    call = leave("VIP", joined[:100])
    assert set(statuses(call, account.send(call))) == {"accepted"}
    made = {f"{one['method']} {one['path']}": one["calls"] for one in account.runtime.calls.as_json()["calls"]}
    assert (made[DELETE], made[f"POST {CONTACTS}/search/emails"]) == (1, 1)
    assert members.count(account.store, account.list_id("VIP")) == 0
    assert account.store.count(CONTACT) == 100


def test_who_is_not_there_has_left_already(account):
    account.send(upsert(people(1, add=("VIP",))))
    call = leave("VIP", [*people(1), person("nobody")])
    assert set(statuses(call, account.send(call))) == {"accepted"}
    gone = leave("No such list", people(1))
    assert statuses(gone, account.send(gone)) == ["accepted"]


def test_a_removal_that_nobody_can_ask_about_is_read_back(account):
    joined = people(3, add=("VIP",))
    account.send(upsert(joined))
    account.faults({"do": "404", "path_contains": "/imports/", "times": None})
    call = leave("VIP", joined)
    assert set(statuses(call, account.send(call))) == {"accepted"}
    assert account.lists("person1@example.test") == set()


def test_a_removal_that_did_not_happen_is_owed(account):
    joined = people(2, add=("VIP",))
    account.send(upsert(joined))
    account.faults({"do": "timeout_before", "method": "DELETE", "times": None})
    call = leave("VIP", joined)
    assert set(statuses(call, account.send(call))) == {"try_again"}


# -- set-up and reading -----------------------------------------------------------------------------------------------------
def test_set_up_is_made_once(account):
    async def prepare(open_):
        await open_.prepare("", ["VIP", "News"], FIELDS)

    account.ask(prepare)
    assert account.writes() == {}


def test_a_field_of_another_type_is_refused(account):
    async def prepare(open_):
        await open_.prepare("", [], {"orders": "date"})

    with pytest.raises(ConfigurationError, match="is a Number there and date"):
        account.ask(prepare)


def test_a_list_that_is_gone_is_said(account):
    with pytest.raises(ConfigurationError, match="no list called 'Gone'"):
        account.send(upsert(people(1, add=("Gone",))))


def test_a_wrong_key_is_said_once(account, monkeypatch):
    monkeypatch.setitem(account.runtime.secrets, "sendgrid", {"api_key": "another"})
    connection = account.connection()
    monkeypatch.undo()
    with pytest.raises(CredentialsRejected), pytest.MonkeyPatch.context() as patch:
        patch.setattr(account, "connection", lambda **_: connection)
        account.send(upsert(people(1)))


def test_a_list_is_read_by_an_export(account):
    joined = people(120, add=("VIP",))
    account.send(upsert(joined))
    actual = account.ask(lambda open_: open_.actual("", "VIP"))
    assert (actual.keys, actual.reported, actual.settled) == (frozenset(one.key for one in joined), 120, True)


def test_records_say_fields_memberships_and_who_is_kept_out(account):
    account.send(upsert([person("ann", {"first_name": "Ann", "orders": 2}, add=("VIP",))]))
    account.send(upsert([person("bob")]))
    account.store.put(SUPPRESSION, entry_row("bounces", "bob@example.test", NOW.isoformat(), reason="550", status="5.1.1"))
    found = {one.address: one for one in account.ask(lambda open_: open_.records("", ["VIP", "News"], ["first_name", "orders"]))}
    ann, bob = found["ann@example.test"], found["bob@example.test"]
    assert (ann.status, ann.memberships, ann.fields) == ("not_suppressed", {"VIP"}, '{"first_name":"Ann","orders":"2"}')
    assert (bob.status, bob.memberships) == ("bounced", frozenset())


def test_an_export_whose_address_has_expired_is_made_again(account):
    account.send(upsert(people(2, add=("VIP",))))
    account.faults({"do": "403", "path_contains": "/files/"})
    actual = account.ask(lambda open_: open_.actual("", "VIP"))
    assert len(actual.keys) == 2
    asked = [one for one in account.runtime.calls.as_json()["calls"] if one["path"].endswith("/exports")]
    assert [one["calls"] for one in asked] == [2]
