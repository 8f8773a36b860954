"""The last look: one truth with the mart, everything newer counts, and what cannot be decided is refused."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from mailhouse.consent import ConsentAct, LastLook
from tests.python.consent.conftest import Document, World, address_of

SPELLINGS = {
    "in capitals": str.upper,
    "with spaces around": lambda address: f"  {address}\t",
    "in full-width letters": lambda address: (
        "".join(chr(ord(letter) + 0xFEE0) if letter.isalpha() else letter for letter in address.split("@")[0])
        + "@"
        + address.split("@")[1]
    ),
    "with its dot at the end": lambda address: f"{address}.",
}


def test_it_says_what_the_mart_says(world: World) -> None:
    decisions, asked = world.decisions(), world.everyone()
    with LastLook(world) as last_look:
        look = last_look.look(asked)
    for document in asked:
        decision, reason, event_id = decisions[document.mailbox]
        if decision == "allow":
            assert look.entries[document.key] == {"marketing_email": event_id}
        else:
            assert look.refused[document.key] == reason
    assert len(look.entries) == len(world.allowed()) > 5
    assert len(look.refused) > 5


def test_what_the_inbox_took_before_the_run_is_in_the_ledger(world: World) -> None:
    decisions = world.decisions()
    assert decisions[address_of(0)] == ("deny", "withdrawn", "landed withdrawal")
    assert decisions[address_of(4)] == ("allow", "double_opt_in", "landed grant")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_withdrawal_between_plan_and_batch_counts_however_the_address_is_spelt(world: World, spelling: str) -> None:
    someone, *others = world.allowed()
    with LastLook(world) as last_look:
        assert last_look.refused([someone, *others]) == {}
        world.record("withdraw", SPELLINGS[spelling](someone.mailbox))
        assert last_look.refused([someone, *others]) == {someone.key: "withdrawn"}
        assert last_look.look([someone]).entries == {}


def test_a_withdrawal_under_one_address_counts_for_the_others_of_the_person(world: World) -> None:
    someone, *_ = world.allowed()
    world.warehouse.execute(
        "insert into intermediate.int_customer_mailboxes_collected by name"
        " select * replace ('old@mail.example' as mailbox, 'old@mail.example' as email)"
        " from intermediate.int_customer_mailboxes_collected where mailbox = ?",
        [someone.mailbox],
    )
    world.record("withdraw", "OLD@mail.example")
    assert world.look(world.allowed()) == {someone.mailbox: "withdrawn"}


def test_a_withdrawal_of_somebody_who_shares_a_mailbox_is_theirs_alone(world: World) -> None:
    someone, other, *_ = world.allowed()
    for document in (someone, other):
        world.warehouse.execute(
            "insert into intermediate.int_customer_mailboxes_collected by name"
            " select * replace ('home@mail.example' as mailbox, 'home@mail.example' as email)"
            " from intermediate.int_customer_mailboxes_collected where mailbox = ?",
            [document.mailbox],
        )
    world.warehouse.execute(
        """
        insert into marts.consent_events by name
        select * replace ('no' as event_id, 'home@mail.example' as mailbox, 'withdraw' as act, 'unsubscribed' as reason,
            '*' as purpose, null as occurred_at)
        from marts.consent_events
        where record_key in (
            select record_key from intermediate.int_identities_resolved
            inner join intermediate.int_customer_mailboxes_collected as used using (customer_id)
            where used.mailbox = ?
        )
        limit 1
        """,
        [other.mailbox],
    )
    assert "unsubscribed" not in world.look([someone]).values()
    assert world.look([other]) == {other.mailbox: "unsubscribed"}


def test_a_withdrawal_of_another_purpose_leaves_this_one_alone_and_of_an_unheard_of_one_does_not(world: World) -> None:
    one, two, *_ = world.allowed()
    world.warehouse.execute("insert into intermediate.consent_purposes values ('email', 'research', false, 'Questions')")
    world.record("withdraw", one.mailbox, purpose="research")
    world.record("withdraw", two.mailbox, purpose="reserach")
    assert world.look(world.allowed()) == {two.mailbox: "withdrawn"}


def test_a_proven_grant_after_the_build_permits_and_is_named(world: World) -> None:
    refused = world.look()
    withdrawn = address_of(0)
    assert refused[withdrawn] == "withdrawn"
    world.record("grant", withdrawn, purpose="marketing_email", proof="double_opt_in", event_id="came back")
    with LastLook(world) as last_look:
        document = Document("key", withdrawn)
        assert last_look.look([document]).entries == {"key": {"marketing_email": "came back"}}


def test_an_act_that_has_landed_is_not_counted_twice(world: World) -> None:
    someone, *_ = world.allowed()
    world.record("withdraw", someone.mailbox, event_id="landed meanwhile")
    world.warehouse.execute(
        "insert into marts.consent_events by name select * replace ('landed meanwhile' as event_id) from marts.consent_events"
        " where event_id = 'landed withdrawal'"
    )
    assert world.look(world.allowed()) == {}


def test_what_an_esp_tells_during_the_run_counts(world: World) -> None:
    one, two, *others = world.allowed()
    with LastLook(world) as last_look:
        assert last_look.refused([one, two, *others]) == {}
        last_look.heard([ConsentAct("withdraw", one.mailbox, "mailchimp", reason="unsubscribed", occurred_at=world.clock.now())])
        last_look.heard([ConsentAct("block", two.mailbox, "mailchimp", reason="hard_bounce")])
        assert last_look.refused([one, two, *others]) == {one.key: "unsubscribed", two.key: "hard_bounce"}


def test_it_decides_at_the_clock_s_now(world: World) -> None:
    world.consent_max_age = timedelta(days=3_000)
    world.warehouse.execute("delete from marts.consent_events where act not in ('imply', 'collect')")
    world.warehouse.execute(
        "update intermediate.int_mailbox_jurisdictions_decided"
        " set jurisdiction = 'CASL', proof_required = 'opt_in', implied_months_after_purchase = 24"
    )
    refused = {*world.look(), address_of(4)}
    customers = [document for document in world.everyone() if document.mailbox not in refused]
    assert len(customers) > 5
    world.clock.sleep(timedelta(days=800).total_seconds())
    assert world.look(customers) == {document.mailbox: "implied_consent_expired" for document in customers}


def test_reading_ahead_changes_no_decision(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailhouse.consent.current.AHEAD", 15)
    asked = world.everyone()
    with LastLook(world) as plain, LastLook(world) as ahead:
        ahead.expect(asked[:-4])
        batches = [asked[start : start + 9] for start in range(0, len(asked), 9)]
        # in their order, then some that come back, then some of here and there
        for batch in [*batches, batches[1], batches[0], asked[2:30:9]]:
            assert ahead.look(batch) == plain.look(batch)
        withdrawn = next(document for document in asked if document.key not in ahead.refused(asked))
        world.record("withdraw", withdrawn.mailbox)
        assert ahead.refused([withdrawn]) == {withdrawn.key: "withdrawn"}


def test_every_purpose_must_be_allowed_and_no_purpose_is_no_permission(world: World) -> None:
    mailbox = world.allowed()[0].mailbox
    asked = [
        Document("two", mailbox, ("marketing_email", "research")),
        Document("none", mailbox, ()),
        Document("nobody", "nobody@mail.example"),
    ]
    with LastLook(world) as last_look:
        assert last_look.refused(asked) == {"two": "no_consent_record", "none": "no_purpose", "nobody": "no_consent_record"}


def test_the_mailboxes_that_withdrew_since_a_moment(world: World) -> None:
    world.clock.sleep(60)
    moment = world.clock.now()
    with LastLook(world) as last_look:
        assert last_look.withdrawn_since(moment) == set()
        world.record("withdraw", "Someone@Mail.Example")
        world.record("grant", "other@mail.example", purpose="marketing_email", proof="single_opt_in")
        assert last_look.withdrawn_since(moment) == {"someone@mail.example"}
        world.warehouse.execute(
            "insert into intermediate.int_customer_mailboxes_collected by name"
            " select 'p' as customer_id, unnest(['someone@mail.example', 'also@mail.example']) as mailbox"
        )
        assert last_look.withdrawn_since(moment) == {"someone@mail.example", "also@mail.example"}
        assert last_look.withdrawn_since(moment + timedelta(seconds=1)) == set()
        world.warehouse.execute("drop table intermediate.int_customer_mailboxes_collected")
        assert last_look.withdrawn_since(moment) == {"someone@mail.example"}


def _break_the_sql(world: World) -> None:
    document = json.loads(world.manifest.read_text())
    document["nodes"]["model.mailhouse.consent_status"]["compiled_code"] = "select who from nowhere"
    world.manifest.write_text(json.dumps(document))


def _forget_the_models(world: World) -> None:
    document = json.loads(world.manifest.read_text())
    del document["nodes"]["model.mailhouse.int_consent_acts_reached"]
    world.manifest.write_text(json.dumps(document))


FAILURES: dict[str, Callable[[World], object]] = {
    "the inbox is gone": lambda world: world.settings.inbox_path.unlink(),
    "the inbox is no database": lambda world: world.settings.inbox_path.write_bytes(b"\x00garbage" * 4096),
    "there is no manifest": lambda world: world.manifest.unlink(),
    "the manifest lacks a model": _forget_the_models,
    "the sql does not run": _break_the_sql,
    "the decisions are gone": lambda world: world.warehouse.execute("drop table marts.consent_status"),
    "the decisions are empty": lambda world: world.warehouse.execute("delete from marts.consent_status"),
    "the ledger is gone": lambda world: world.warehouse.execute("drop table marts.consent_events"),
    "the policies are gone": lambda world: world.warehouse.execute("drop table intermediate.int_mailbox_jurisdictions_decided"),
    "a seed is gone": lambda world: world.warehouse.execute("drop table intermediate.consent_block_reasons"),
    "the decisions are stale": lambda world: world.clock.sleep(timedelta(hours=36).total_seconds()),
    "the ledger is newer than the decisions": lambda world: world.warehouse.execute(
        "update marts.consent_events set received_at = received_at + interval 10 year"
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_what_cannot_be_decided_is_refused(world: World, failure: str, caplog: pytest.LogCaptureFixture) -> None:
    asked = world.everyone()
    FAILURES[failure](world)
    with caplog.at_level(logging.INFO), LastLook(world) as last_look:
        look = last_look.look(asked)
        assert set(look.refused.values()) == {"consent_unavailable"}
        assert len(look.refused) == len(asked) and look.entries == {}
        assert last_look.trouble and "\n" not in last_look.trouble
    assert "mail.example" not in caplog.text + last_look.trouble


def test_an_inbox_that_fails_in_the_middle_of_a_run_ends_it_and_one_that_heals_is_read_from_where_it_was(world: World) -> None:
    someone, *others = world.allowed()
    path = world.settings.inbox_path
    with LastLook(world) as last_look:
        assert last_look.refused([someone, *others]) == {}
        world.record("withdraw", someone.mailbox)
        path.rename(path.with_suffix(".away"))
        assert set(last_look.refused([someone, *others]).values()) == {"consent_unavailable"}
        path.with_suffix(".away").rename(path)
        assert last_look.refused([someone, *others]) == {someone.key: "withdrawn"}
        assert last_look.trouble
