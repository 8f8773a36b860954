"""Decides by the compiled SQL of the consent models, in memory, on whatever acts it is given.

There is no rule in this file. The statements come from dbt (mailhouse/consent/compiled.py) and run word for word; what is
given takes the place of the tables they read, under their own names. The ledger's own model is the one that is not run: it
carries acts from day to day and decides nothing, and here the acts are given.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from mailhouse.consent.compiled import DecisionSql
from mailhouse.errors import ConsentUnavailable
from mailhouse.warehouse import in_memory

LEDGER = "consent_events"
CLOCK = "int_clock_decided"
RAW_ACTS = "inbox.consent_acts"
FORMS = "contact_points.normalised"
STATUS = "consent_status"
# what changes from one set of people to the next, and what stays as long as the seeds do
OF_PEOPLE = ("int_identities_resolved", "int_customer_mailboxes_collected", "int_mailbox_jurisdictions_decided")
FROM_INBOX = ("stg_inbox__consent_acts", "int_inbox__consent_acts")


class Decider:
    """One in-memory database for as many decisions as are wanted; to be used in a `with`, by one thread at a time."""

    def __init__(self, sql: DecisionSql) -> None:
        self.sql = sql
        self._opened = ExitStack()
        databases = {_parts(relation)[0] for relation in sql.relations.values()}
        self._connection = self._opened.enter_context(in_memory(sorted(databases)))
        for database, schema in sorted({_parts(relation)[:2] for relation in sql.relations.values()}):
            self._connection.execute(f'create schema if not exists "{database}"."{schema}"')

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._opened.close()

    def give(self, tables: Mapping[str, pa.Table]) -> None:
        """Let these tables stand for the models, seeds and sources of the same name until others are given."""
        for name, table in tables.items():
            self._connection.register("given", table)
            self._connection.execute(f"create or replace table {self.sql.relations[name]} as select * from given")
            self._connection.unregister("given")

    def add_raw_acts(self) -> None:
        """Carry the given acts of the inbox into the given ledger, save those it has already."""
        for name in FROM_INBOX:
            self._run(name)
        ledger, acts = self.sql.relations[LEDGER], self.sql.relations[FROM_INBOX[-1]]
        self._connection.execute(f"insert into {ledger} by name select * from {acts} anti join {ledger} using (event_id)")

    def decide(self) -> pa.Table:
        """One row for each mailbox, channel, purpose and brand of the given ledger, as `consent_status` has them."""
        for name in self.sql.steps:
            if name not in FROM_INBOX:
                self._run(name)
        return self._connection.execute(f"select * from {self.sql.relations[STATUS]}").to_arrow_table()

    def _run(self, name: str) -> None:
        try:
            self._connection.execute(f"create or replace table {self.sql.relations[name]} as {self.sql.steps[name]}")
        except duckdb.Error as error:
            # the engine's message may quote a row
            raise ConsentUnavailable(f"{name}: its SQL does not run on the acts at hand; run `mailhouse check`") from error


def _parts(relation: str) -> tuple[str, str, str]:
    database, schema, name = (part.strip('"') for part in relation.split("."))
    return database, schema, name
