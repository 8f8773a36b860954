"""The sync's state on Snowflake: nothing is committed here that is not there, and what is there is enough to go on from."""

import random
import shutil
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from mailhouse.destinations import Call, Change, Outcome
from mailhouse.errors import LeaseLost, SnowflakeRefused, SyncRefused
from mailhouse.sync.journal import Journal
from mailhouse.sync.state import KEYS, MIGRATIONS, TABLES, migrate
from tests.python.snowflake.conftest import Account, Machine

NOW = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)


def run(machine: Machine, run_id: str, *, ends: bool = True) -> None:
    with machine.warehouse.write() as connection:
        journal = Journal(connection, run_id)
        journal.begin_run(NOW, '{"it\'s": "100 %s"}', 1)
        if ends:
            journal.end_run(NOW, "{}", 1, 0, "ok")


def send(machine: Machine, run_id: str, *keys: str, settled: bool = True) -> None:
    """Write to people, with and without an answer."""
    changes = tuple(
        Change(
            destination="mailchimp",
            container="list",
            customer_id=f"customer {key}",
            key=key,
            address=f"{key}@mail.example",
            mailbox=f"{key}@mail.example",
            fields='{"FNAME": "Zoë"}',
            row_hash="hash",
            write=True,
            add=("VIP",),
        )
        for key in keys
    )
    call = Call("write", "list", "", changes)
    with machine.warehouse.write() as connection:
        journal = Journal(connection, run_id)
        call_id = journal.sending(call, NOW)
        if settled:
            journal.settled(call_id, call, [Outcome(key, "accepted", vendor_id=f"v{key}") for key in keys], NOW)


def runs(account: Account) -> list[tuple]:
    return account.rows("select run_id, outcome from reverse_sync.runs order by run_id")


def test_a_machine_that_is_lost_loses_nothing(machine, account):
    first = machine("first")
    first.begin()
    run(first, "a", ends=False)
    send(first, "a", "ann", "bob")
    send(first, "a", "cleo", settled=False)
    before = first.state(*TABLES)
    shutil.rmtree(first.settings.workdir)
    second = machine("second")
    second.begin()
    assert second.state(*TABLES) == before
    assert [row[6] for row in before["in_flight"]] == ["cleo", "cleo"]
    assert len(before["delivered"]) == 2


def test_a_change_that_was_kept_there_and_not_committed_here_is_made_good(machine, account):
    first = machine("first")
    first.begin()
    path = first.settings.warehouse_path
    shutil.copyfile(path, path.with_suffix(".before"))
    send(first, "a", "ann", settled=False)
    after = first.state("in_flight")
    # as a death between the two would have left it
    path.with_suffix(".before").replace(path)
    assert first.state("in_flight") == {"in_flight": []}
    first.begin()
    assert first.state("in_flight") == after != {"in_flight": []}


def test_publishing_brings_the_tables_there_up_to_date(machine, account):
    first = machine("first")
    first.begin()
    run(first, "a")
    send(first, "a", "ann")
    assert runs(account) == []
    first.warehouse.publish()
    assert runs(account) == [("a", "ok")]
    delivered = account.rows("select document_key, fields, memberships, acknowledged_at from reverse_sync.delivered")
    assert [(key, fields, memberships) for key, fields, memberships, _ in delivered] == [("ann", '{"FNAME": "Zoë"}', '["VIP"]')]
    assert delivered[0][3] == NOW
    assert account.rows("select count(*) from reverse_sync.in_flight") == [(0,)]
    assert account.rows("select count(*) from reverse_sync.change_log") == [(0,)]
    first.warehouse.publish()
    assert runs(account) == [("a", "ok")]


def test_two_machines_that_take_turns_see_each_other(machine, account):
    first, second = machine("first"), machine("second")
    first.begin()
    run(first, "a")
    first.warehouse.publish()
    second.begin()
    run(second, "b")
    second.warehouse.publish()
    first.begin()
    run(first, "c")
    assert [row[0] for row in first.state("runs")["runs"]] == ["a", "b", "c"]


@pytest.mark.parametrize("published", [False, True], ids=["logged", "published"])
def test_whoever_was_overtaken_by_another_machine_writes_no_more(machine, account, published):
    first, second = machine("first"), machine("second")
    first.begin()
    second.begin()
    run(second, "b")
    if published:
        second.warehouse.publish()
    with pytest.raises(LeaseLost, match="another run has written since"):
        run(first, "a")
    assert first.state("runs") == {"runs": []}
    first.begin()
    assert [row[0] for row in first.state("runs")["runs"]] == ["b"]


def test_what_a_death_left_of_a_transaction_never_happened(machine, account):
    first = machine("first")
    first.begin()
    run(first, "a")
    account.run("update reverse_sync.change_log set is_last = false where number = 2")
    shutil.rmtree(first.settings.workdir)
    second = machine("second")
    second.begin()
    assert [(row[0], row[8]) for row in second.state("runs")["runs"]] == [("a", "running")]
    run(second, "b")
    assert [row[0] for row in second.state("runs")["runs"]] == ["a", "b"]


def test_a_state_that_was_begun_on_duckdb_goes_along(machine, account, monkeypatch):
    first = machine("first")
    with monkeypatch.context() as embedded:
        embedded.delenv("DBT_TARGET")
        with first.warehouse.write() as connection:
            migrate(connection)
        run(first, "a")
        send(first, "a", "ann")
    moved = machine("first")
    moved.begin()
    assert runs(account) == [("a", "ok")]
    run(moved, "b")
    assert moved.state("delivered") == first.state("delivered")


def test_two_states_that_know_nothing_of_each_other_are_not_mixed(machine, account, monkeypatch):
    first, second = machine("first"), machine("second")
    first.begin()
    with monkeypatch.context() as embedded:
        embedded.delenv("DBT_TARGET")
        with second.warehouse.write() as connection:
            migrate(connection)
        run(second, "a")
    with pytest.raises(SyncRefused, match="has synced without this database"):
        machine("second").begin()
    assert runs(account) == []


def test_a_database_that_was_put_back_to_an_earlier_time_is_not_gone_on_from(machine, account):
    first = machine("first")
    first.begin()
    run(first, "a")
    account.run("delete from reverse_sync.change_log")
    with pytest.raises(SyncRefused, match="is at entry 0, and this work directory has seen 2"):
        first.begin()


def test_a_state_of_a_newer_mailhouse_is_left_alone(machine, account):
    machine("first").begin()
    account.run(f"update reverse_sync.tables_at set state_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(SyncRefused, match="newer Mailhouse"):
        machine("second").begin()


def test_a_state_of_an_earlier_mailhouse_is_brought_up_to_date(machine, account):
    first = machine("first")
    first.begin()
    run(first, "a")
    first.warehouse.publish()
    # as version 4 had it
    account.run("update reverse_sync.tables_at set state_version = 4")
    for column in ("row_hash", "permitted_by"):
        account.run(f"alter table reverse_sync.in_flight drop column {column}")
    second = machine("second")
    second.begin()
    assert second.state("runs") == first.state("runs")
    assert account.rows("select state_version from reverse_sync.tables_at") == [(len(MIGRATIONS),)]
    assert account.rows("select row_hash from reverse_sync.in_flight") == []


def test_nothing_is_written_down_here_while_snowflake_cannot_be_reached(machine, account, monkeypatch):
    first = machine("first")
    first.begin()
    monkeypatch.setenv("SNOWFLAKE_PORT", "9")
    unreachable = machine("first")
    with pytest.raises(SnowflakeRefused, match="cannot be reached"):
        run(unreachable, "a")
    monkeypatch.undo()
    assert first.state("runs") == {"runs": []}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.torture) for seed in range(1, 20))])
def test_whatever_is_done_to_the_state_another_machine_goes_on_from_the_same(machine, account, seed):
    """Every kind of statement on every table, with transactions undone, publishing, and machines lost between them."""
    chance = random.Random(seed)
    current, lost = machine("first"), 0
    current.begin()
    for number in range(30):
        done = chance.random()
        if done < 0.1:
            current.warehouse.publish()
        elif done < 0.2:
            lost += 1
            current = machine(f"machine {lost}")
            current.begin()
        else:
            with current.warehouse.write() as connection:
                connection.execute("begin transaction")
                for _ in range(chance.randint(1, 3)):
                    change_something(connection, chance, number)
                connection.execute("rollback" if done > 0.9 else "commit")
    expected = current.state(*TABLES)
    assert sum(map(len, expected.values())) > 10
    last = machine("last")
    last.begin()
    assert last.state(*TABLES) == expected
    last.warehouse.publish()
    for table, rows in expected.items():
        assert account.rows(f"select count(*) from reverse_sync.{table}") == [(len(rows),)], table


def change_something(connection: duckdb.DuckDBPyConnection, chance: random.Random, number: int) -> None:
    table = chance.choice(TABLES)
    described = connection.execute(f"describe warehouse.reverse_sync.{table}").fetchall()
    name = f"warehouse.reverse_sync.{table}"
    free = [column for column, *_ in described if column not in KEYS[table]]
    verb = chance.random()
    if verb < 0.6:
        replacing = "or replace " if KEYS[table] and table not in ("in_flight", "send_decisions") else ""
        row = [
            value_of(kind, chance.randint(1, 4) if replacing else number * 10 + chance.randint(0, 9)) for _, kind, *_ in described
        ]
        connection.execute(f"insert {replacing}into {name} values ({', '.join('?' * len(row))})", row)
    elif verb < 0.8 and KEYS[table]:
        column, kind = next((one, kind) for one, kind, *_ in described if one == chance.choice(free) or one == free[-1])
        connection.execute(f"update {name} set {column} = ?", [value_of(kind, number)])
    else:
        connection.execute(f"delete from {name} where hash({described[0][0]}) % 2 = {chance.randint(0, 1)}")


def value_of(kind: str, number: int) -> object:
    values = {
        "VARCHAR": f"it's {number}\\ é",
        "JSON": f'{{"a": [{number}]}}',
        "BOOLEAN": number % 2 == 0,
        "TIMESTAMP WITH TIME ZONE": NOW + timedelta(microseconds=number),
    }
    return values.get(kind, number)
