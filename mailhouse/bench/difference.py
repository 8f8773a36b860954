"""The difference of a large audience of which little has changed, against reading and hashing its documents once."""

from dataclasses import dataclass

import duckdb

from mailhouse import sync
from mailhouse.bench.measured import Took, least, timed
from mailhouse.bench.world import NOW, SEGMENT, TAG, made_up
from mailhouse.settings import Connection
from mailhouse.sync import difference, state
from mailhouse.sync.consent import consent_state
from mailhouse.sync.desired import create_desired

ROUNDS = 3
# one person in so many is changed
ONE_IN = 100
_CHANGE = f"update profiles.people set first_name = 'Changed' where hash(customer_id) % {ONE_IN} = 0"
# exactly what the state hashes of a document, once by the hash that it stores and once by DuckDB's own, which is quicker
_TEXT = f"address || chr(10) || fields || chr(10) || '[\"{TAG}\"]'"
_MD5 = f"select bit_xor(md5_number_lower({_TEXT})) from sync_people"
_HASH = f"select bit_xor(hash({_TEXT})) from sync_people"


@dataclass(frozen=True)
class DifferenceFigure:
    """What the stages of a plan took that has `changed` of `people` to send; `wrong` is '' when it found just those."""

    people: int
    changed: int
    scan_md5: Took
    scan_hash: Took
    compose: Took
    difference: Took
    fetch: Took
    wrong: str

    @property
    def ratio(self) -> float:
        return self.difference.cpu / self.scan_md5.cpu

    @property
    def hash_ratio(self) -> float:
        return self.difference.cpu / self.scan_hash.cpu


def measure_difference(people: int, rounds: int = ROUNDS) -> DifferenceFigure:
    """Deliver everybody on paper, change one in a hundred, and find them; of several rounds the least CPU counts."""
    connection = Connection("mailchimp", "mailchimp", "http://127.0.0.1:9")
    with made_up(people, {connection.id: connection}) as context:
        warehouse = context.warehouse
        targets = sync.read_audiences(context.manifest, context.settings.connections)
        consent = consent_state(warehouse, targets, NOW, context.consent_max_age)

        def compose() -> None:
            create_desired(warehouse, targets, context.settings.connections, consent, {}, frozenset({SEGMENT}))

        def differ() -> None:
            difference.create_difference(warehouse, consent.status, True, NOW)

        state.readable(warehouse)
        compose()
        _deliver(warehouse)
        warehouse.execute("create temp table planted as select customer_id, first_name from profiles.people")
        warehouse.execute(_CHANGE)
        composing = least(compose, rounds)
        differing = least(differ, rounds)
        found, fetching = timed(lambda: difference.changes(warehouse))
        planted = _planted(warehouse)
        written = {change.customer_id for change in found if change.write and not change.add and not change.remove}
        return DifferenceFigure(
            people=people,
            changed=len(found),
            scan_md5=least(lambda: warehouse.execute(_MD5).fetchall(), rounds),
            scan_hash=least(lambda: warehouse.execute(_HASH).fetchall(), rounds),
            compose=composing,
            difference=differing,
            fetch=fetching,
            wrong=_wrong(planted, written, len(found)),
        )


def _deliver(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Record everybody as delivered as they are wanted now."""
    warehouse.execute(
        f"""
        insert into reverse_sync.delivered by name
        select
            wanted.destination, wanted.container, wanted.document_key, people.customer_id, people.address, people.mailbox,
            people.fields::json as fields,
            to_json([wanted.membership]) as memberships,
            md5({_TEXT}) as row_hash,
            $now::timestamptz as acknowledged_at,
            'made up' as run_id
        from sync_wanted as wanted
        inner join sync_people as people using (destination, document_key)
        """,
        {"now": NOW},
    )


def _planted(warehouse: duckdb.DuckDBPyConnection) -> set[str]:
    """Who was changed, seen by looking at every person before and after."""
    rows = warehouse.execute(
        "select people.customer_id from profiles.people as people"
        " inner join planted on people.customer_id = planted.customer_id and people.first_name <> planted.first_name"
    ).fetchall()
    return {customer_id for (customer_id,) in rows}


def _wrong(planted: set[str], written: set[str], found: int) -> str:
    if written == planted and found == len(planted):
        return ""
    missed, too_many = len(planted - written), len(written - planted)
    return f"{missed:,} of {len(planted):,} changed people were not found, {too_many:,} others were; {found:,} owe something"
