"""The last look: right before a batch, decide once more on its people with everything that is known by now.

The warehouse's ledger, whatever the inbox has taken since, and what the ESP told during the run go through the SQL that made
`consent_status`, at the clock's now. What cannot be decided is refused.
"""

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import duckdb

from mailhouse.clock import Clock
from mailhouse.consent.acts import ConsentAct, ReceivedAct
from mailhouse.consent.current import CurrentConsent
from mailhouse.consent.inbox import Inbox
from mailhouse.consent.state import BRAND, CHANNEL, state_of
from mailhouse.errors import ConsentUnavailable, MailhouseError
from mailhouse.settings import Settings

log = logging.getLogger(__name__)

UNAVAILABLE = "consent_unavailable"
NO_RECORD = "no_consent_record"
NO_PURPOSE = "no_purpose"


class Surroundings(Protocol):
    """What a run gives the last look: `mailhouse.sync.Context` is one."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def warehouse(self) -> duckdb.DuckDBPyConnection: ...
    @property
    def manifest(self) -> Path: ...
    @property
    def consent_max_age(self) -> timedelta: ...


class Asked(Protocol):
    """One document that is about to be written: `mailhouse.destinations.Change` is one."""

    @property
    def key(self) -> str: ...
    @property
    def mailbox(self) -> str: ...
    @property
    def needs(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Look:
    """What one look found. `refused`: document key -> reason, for those who may not be written to now.

    `entries`: document key -> {purpose: id of the ledger's entry that permits it}, for all the others.
    """

    refused: Mapping[str, str]
    entries: Mapping[str, Mapping[str, str]]


class LastLook:
    """One run's last looks; to be used in a `with`. It never raises when consent cannot be decided: it refuses everyone.

    `trouble` is then why, in one line, and stays so that the run can end non-zero.
    """

    def __init__(self, context: Surroundings) -> None:
        self._context = context
        self._inbox = Inbox(context.settings.inbox_path)
        self._heard: list[ReceivedAct] = []
        self._current: CurrentConsent | None = None
        self.trouble = ""
        try:
            self._current = CurrentConsent(context.settings, context.warehouse, context.manifest)
        except (MailhouseError, duckdb.Error) as error:
            self._cannot_tell(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the memory."""
        if self._current is not None:
            self._current.close()

    def heard(self, acts: Iterable[ConsentAct]) -> None:
        """Take into account what an ESP has told during the run: it counts from the next look on."""
        now = self._context.clock.now()
        self._heard += [ReceivedAct(_named(act), now) for act in acts]

    def expect(self, changes: Iterable[Asked]) -> None:
        """Say who will be looked at, in that order; the looks are then quick also where the ledger is large."""
        if self._current is not None:
            self._current.expect(change.mailbox for change in changes)

    def look(self, changes: Sequence[Asked]) -> Look:
        """Decide on a batch at the clock's now: every purpose that a change needs must be allowed.

        When it cannot be decided everyone is refused as `consent_unavailable`.
        """
        try:
            decisions = self._decide({change.mailbox for change in changes})
        except (MailhouseError, duckdb.Error) as error:
            self._cannot_tell(error)
            return Look({change.key: UNAVAILABLE for change in changes}, {})
        refused: dict[str, str] = {}
        entries: dict[str, dict[str, str]] = {}
        for change in changes:
            entries[change.key] = {}
            if not change.needs:
                refused[change.key] = NO_PURPOSE
            for purpose in sorted(change.needs):
                decision, reason, event_id = decisions.get((change.mailbox, purpose), ("deny", NO_RECORD, ""))
                if decision == "allow":
                    entries[change.key][purpose] = event_id
                else:
                    refused.setdefault(change.key, reason)
        return Look(refused, {key: entry for key, entry in entries.items() if key not in refused})

    def refused(self, changes: Sequence[Asked]) -> Mapping[str, str]:
        """As `look`, for whoever needs no proof of the others."""
        return self.look(changes).refused

    def withdrawn_since(self, moment: datetime) -> set[str]:
        """The mailboxes (wide form) of everybody whom a withdrawal or block in the inbox names since `moment`.

        Where the warehouse cannot say which others a person uses it is those that are named. Raises StateUnreadable.
        """
        if self._current is not None:
            try:
                return self._current.withdrawn_since(moment)
            except ConsentUnavailable as error:
                self._cannot_tell(error)
        return self._inbox.withdrawn_since(moment)

    def _decide(self, mailboxes: set[str]) -> dict[tuple[str, str], tuple[str, str, str]]:
        """(Mailbox, purpose) -> decision, reason and the ledger's entry."""
        if self._current is None:
            raise ConsentUnavailable(self.trouble)
        context, now = self._context, self._context.clock.now()
        state = state_of(context.warehouse, self._current.status, self._current.events, now, context.consent_max_age)
        if not state.usable:
            raise ConsentUnavailable(state.trouble)
        return {
            (row["mailbox"], row["purpose"]): (row["decision"], row["reason"], row["event_id"])
            for row in self._current.decide(mailboxes, now, self._heard).to_pylist()
            if (row["channel"], row["brand"]) == (CHANNEL, BRAND)
        }

    def _cannot_tell(self, error: Exception) -> None:
        trouble = str(error) if isinstance(error, MailhouseError) else "consent cannot be decided; run `mailhouse check`"
        log.warning("nothing is added or changed: %s", trouble)
        self.trouble = self.trouble or trouble


def _named(act: ConsentAct) -> ConsentAct:
    return act if act.event_id else replace(act, event_id=uuid.uuid4().hex)
