"""What a decision on some mailboxes needs of the warehouse: their people's acts, and the policies of where they live."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import duckdb
import pyarrow as pa

from mailhouse.consent.acts import ReceivedAct, raw_rows
from mailhouse.consent.compiled import DecisionSql
from mailhouse.consent.decide import CLOCK, FORMS, LEDGER, RAW_ACTS
from mailhouse.contact_points import normal_forms
from mailhouse.errors import ConsentUnavailable

SEEDS = ("consent_purposes", "consent_block_reasons", "jurisdictions")
# An act reaches a mailbox through the people who use it, under whichever of their addresses it was done: so the acts of
# all of these people are wanted, with every mailbox that they use.
PEOPLE = """
create or replace temp table consent_people as
select distinct people.customer_id
from {int_customer_mailboxes_collected} as people
semi join consent_asked using (mailbox)
"""
OF_PEOPLE = {
    "int_customer_mailboxes_collected": "consent_people using (customer_id)",
    "int_mailbox_jurisdictions_decided": "consent_asked using (mailbox)",
}
ACTS = """
create or replace temp table consent_acts_read as
select * from {consent_events}
where
    mailbox in (select consent_asked.mailbox from consent_asked)
    or mailbox in (
        select used.mailbox from {int_customer_mailboxes_collected} as used semi join consent_people using (customer_id)
    )
    or record_key in (
        select known.record_key from {int_identities_resolved} as known semi join consent_people using (customer_id)
    )
"""
# Whose acts they are, also of those who merely share a mailbox with the people: an act of a record that belongs to nobody
# would count for everybody who uses the mailbox.
IDENTITIES = """
select * from {int_identities_resolved}
where
    record_key in (select acts.record_key from consent_acts_read as acts)
    or customer_id in (select consent_people.customer_id from consent_people)
"""


class WarehouseLedger:
    """Reads the decision's inputs from a warehouse, by the names in the compiled SQL; writes temporary tables only."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: DecisionSql) -> None:
        self._connection = connection
        self._names = sql.relations

    def seeds(self) -> dict[str, pa.Table]:
        """The seeds that say what may be asked and what a place demands. Raises ConsentUnavailable."""
        return {name: self._read(f"select * from {self._names[name]}") for name in SEEDS}

    def about(self, mailboxes: Collection[str]) -> dict[str, pa.Table]:
        """Everything else that a decision on these mailboxes reads, the clock apart. Raises ConsentUnavailable."""
        with self._people_of(mailboxes):
            tables = {name: self._read(f"select * from {{{name}}} semi join {whom}") for name, whom in OF_PEOPLE.items()}
            self._run(ACTS)
            tables[LEDGER] = self._read("select * from consent_acts_read")
            tables["int_identities_resolved"] = self._read(IDENTITIES)
        return tables

    def of_the_same_people(self, mailboxes: Collection[str]) -> set[str]:
        """Every mailbox of everybody who uses one of these. Raises ConsentUnavailable."""
        with self._people_of(mailboxes):
            used = self._read(
                "select mailbox from {int_customer_mailboxes_collected} semi join consent_people using (customer_id)"
            )
        return set(used["mailbox"].to_pylist())

    def known(self, event_ids: Collection[str]) -> set[str]:
        """Those of these acts that the ledger has. Raises ConsentUnavailable."""
        self._connection.register("consent_acts_asked", pa.table({"event_id": pa.array(sorted(event_ids), pa.string())}))
        try:
            found = self._read("select event_id from {consent_events} semi join consent_acts_asked using (event_id)")
        finally:
            self._connection.unregister("consent_acts_asked")
        return set(found["event_id"].to_pylist())

    @contextmanager
    def _people_of(self, mailboxes: Collection[str]) -> Iterator[None]:
        self._connection.register("consent_asked", pa.table({"mailbox": pa.array(sorted(set(mailboxes)), pa.string())}))
        try:
            self._run(PEOPLE)
            yield
        finally:
            self._connection.unregister("consent_asked")

    def _run(self, query: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(query.format_map(self._names))
        except (duckdb.Error, KeyError) as error:
            raise ConsentUnavailable("the consent ledger cannot be read; run `mailhouse run`") from error

    def _read(self, query: str) -> pa.Table:
        return self._run(query).to_arrow_table()


def clock_table(now: datetime) -> Mapping[str, pa.Table]:
    """The moment of the decision (aware), as the models read it."""
    plain = pa.array([now], pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us"))
    return {CLOCK: pa.table({"clock_now": plain})}


def act_tables(acts: Collection[ReceivedAct]) -> Mapping[str, pa.Table]:
    """Acts that the ledger does not have yet, with the normal forms of their addresses, as landing would leave them."""
    addresses = sorted({one.act.address for one in acts})
    count = len(addresses)
    raw = {"kind": ["email"] * count, "raw_value": addresses, "region": [""] * count}
    return {RAW_ACTS: raw_rows(acts), FORMS: normal_forms(pa.table(raw, schema=pa.schema([(name, pa.string()) for name in raw])))}
