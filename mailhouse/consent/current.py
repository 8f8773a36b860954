"""Consent as it is known at this moment: the warehouse's ledger, with what has been said since it was built."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from mailhouse.consent.acts import ReceivedAct
from mailhouse.consent.compiled import decision_sql
from mailhouse.consent.decide import LEDGER, STATUS, Decider, Tables
from mailhouse.consent.inbox import Inbox
from mailhouse.consent.ledger import WarehouseLedger, act_tables, clock_table
from mailhouse.settings import Settings

AHEAD = 20_000  # mailboxes whose acts are read from the warehouse at once


class CurrentConsent:
    """Decides on a few mailboxes at a time, as `consent_status` would be if it were built anew; to be used in a `with`.

    `warehouse` may be a run's own connection or one on the published copy: it is read, temporary tables apart. Raises
    ConsentUnavailable when the models or their tables are not there, StateUnreadable when the inbox is not.
    """

    def __init__(self, settings: Settings, warehouse: duckdb.DuckDBPyConnection, manifest: Path) -> None:
        self._inbox = Inbox(settings.inbox_path)
        self._newer: list[ReceivedAct] = []
        self._taken = 0
        self._opened = ExitStack()
        sql = decision_sql(settings, manifest)
        self.status, self.events = sql.relations[STATUS], sql.relations[LEDGER]
        self._ledger = WarehouseLedger(warehouse, sql)
        with ExitStack() as opening:
            self._decider = opening.enter_context(Decider(sql))
            self._decider.give(self._ledger.seeds())
            self._read_inbox()
            known = self._ledger.known({one.act.event_id for one in self._newer})
            self._newer = [one for one in self._newer if one.act.event_id not in known]
            self._near = opening.enter_context(Tables(sql))
            self._opened = opening.pop_all()
        self._near_ledger = WarehouseLedger(self._near.connection, sql)
        self._near_mailboxes: frozenset[str] = frozenset()
        self._expected: list[str] = []
        self._place: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the memory."""
        self._opened.close()

    def expect(self, mailboxes: Iterable[str]) -> None:
        """Say on whom decisions will be asked, in that order: a large ledger is then read for many batches at once.

        Only for a warehouse that nobody else writes to meanwhile, as during a run.
        """
        self._expected = list(dict.fromkeys(mailboxes))
        self._place = {mailbox: place for place, mailbox in enumerate(self._expected)}

    def decide(self, mailboxes: Collection[str], now: datetime, heard: Iterable[ReceivedAct] = ()) -> pa.Table:
        """The rows of `consent_status` for these mailboxes (wide form) at `now`; `heard` are acts that no inbox has."""
        self._read_inbox()
        newer: Sequence[ReceivedAct] = [*self._newer, *heard]
        ledger = self._ledger_near(frozenset(mailboxes))
        self._decider.give({**ledger.about(mailboxes), **clock_table(now)})
        if newer:
            self._decider.give(act_tables(newer))
            self._decider.add_raw_acts()
        return self._decider.decide(mailboxes)

    def withdrawn_since(self, moment: datetime) -> set[str]:
        """The mailboxes (wide form) of everybody whom a refusal names that the inbox took since `moment`.

        A refusal that is about one address alone names its owner all the same: decide before acting on it.
        """
        named = self._inbox.withdrawn_since(moment)
        return named | self._ledger.of_the_same_people(named) if named else named

    def acts(self, mailbox: str) -> pa.Table:
        """The entries that the latest decision on this mailbox went by: each once, newest first."""
        return self._decider.acts(mailbox)

    def _ledger_near(self, mailboxes: frozenset[str]) -> WarehouseLedger:
        """A copy in memory of what the warehouse says of these people and the next ones; the warehouse for others."""
        if mailboxes <= self._near_mailboxes:
            return self._near_ledger
        if not mailboxes <= self._place.keys():
            return self._ledger
        first = min(self._place[mailbox] for mailbox in mailboxes - self._near_mailboxes)
        near = mailboxes.union(self._expected[first : first + AHEAD])
        self._near_mailboxes = frozenset()
        self._near.give(self._ledger.about(near))
        self._near_mailboxes = near
        return self._near_ledger

    def _read_inbox(self) -> None:
        arrived = self._inbox.acts(after=self._taken)
        self._newer += arrived
        self._taken = arrived[-1].seq if arrived else self._taken
