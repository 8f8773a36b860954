"""Decides by the compiled SQL of the consent models, in memory, on whatever acts it is given.

There is no rule in this file. The statements come from dbt (mailhouse/consent/compiled.py) and run word for word; what is
given takes the place of the tables they read, under their own names. The ledger's own model is the one that is not run: it
carries acts from day to day and decides nothing, and here the acts are given.
"""

from collections.abc import Collection, Mapping
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
ERASED = "privacy.erased_values"
REACHED = "int_consent_acts_reached"
STATUS = "consent_status"
FROM_INBOX = ("stg_inbox__consent_acts", "int_inbox__consent_acts")


class Tables:
    """A database in memory in which each relation of the SQL is called as it is in the warehouse; to be used in a `with`."""

    def __init__(self, sql: DecisionSql) -> None:
        self.sql = sql
        self._opened = ExitStack()
        databases = {_parts(relation)[0] for relation in sql.relations.values()}
        self.connection = self._opened.enter_context(in_memory(sorted(databases)))
        for database, schema in sorted({_parts(relation)[:2] for relation in sql.relations.values()}):
            self.connection.execute(f'create schema if not exists "{database}"."{schema}"')

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._opened.close()

    def give(self, tables: Mapping[str, pa.Table]) -> None:
        """Let these tables stand for the models, seeds and sources of the same name until others are given."""
        for name, table in tables.items():
            self.connection.register("given", table)
            self.connection.execute(f"create or replace table {self.sql.relations[name]} as select * from given")
            self.connection.unregister("given")

    def rows(self, name: str) -> pa.Table:
        """What was given for a model, or made of it last."""
        return self.connection.execute(f"select * from {self.sql.relations[name]}").to_arrow_table()


class Decider(Tables):
    """As many decisions as are wanted, one after the other, each on the tables given last."""

    def add_raw_acts(self) -> None:
        """Carry the given acts of the inbox into the given ledger, save those it has already."""
        if erased := self.sql.relations.get(ERASED):
            # what the inbox still has of somebody counts here: an erasure has deleted the rest, and a no is never left out
            self.connection.execute(f"create table if not exists {erased} (kind varchar, value varchar, surrogate varchar)")
        for name in FROM_INBOX:
            self._run(name)
        ledger, acts = self.sql.relations[LEDGER], self.sql.relations[FROM_INBOX[-1]]
        self.connection.execute(f"insert into {ledger} by name select * from {acts} anti join {ledger} using (event_id)")

    def decide(self, mailboxes: Collection[str] | None = None) -> pa.Table:
        """The rows of `consent_status` for these mailboxes; None is every one that the given ledger reaches."""
        for name in self.sql.steps:
            if name not in FROM_INBOX:
                self._run(name)
        query = f"select * from {self.sql.relations[STATUS]}"
        if mailboxes is None:
            return self.connection.execute(query).to_arrow_table()
        asked = pa.table({"mailbox": pa.array(sorted(set(mailboxes)), pa.string())})
        self.connection.register("asked", asked)
        try:
            return self.connection.execute(f"{query} semi join asked using (mailbox)").to_arrow_table()
        finally:
            self.connection.unregister("asked")

    def acts(self, mailbox: str) -> pa.Table:
        """The entries of the given ledger that reached a mailbox in the latest decision, newest first."""
        ledger, reached = self.sql.relations[LEDGER], self.sql.relations[REACHED]
        return self.connection.execute(
            f"select * from {ledger} where event_id in (select event_id from {reached} where mailbox = ?)"
            " order by coalesce(occurred_at, received_at) desc, event_id",
            [mailbox],
        ).to_arrow_table()

    def _run(self, name: str) -> None:
        try:
            self.connection.execute(f"create or replace table {self.sql.relations[name]} as {self.sql.steps[name]}")
        except duckdb.Error as error:
            # the engine's message may quote a row
            raise ConsentUnavailable(f"{name}: its SQL does not run on the acts at hand; run `mailhouse check`") from error


def _parts(relation: str) -> tuple[str, str, str]:
    database, schema, name = (part.strip('"') for part in relation.split("."))
    return database, schema, name
