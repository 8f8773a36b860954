"""A last look at hand-made decisions: the tests of the engine say who may be written to, and need no ledger for it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from mailhouse import sync
from mailhouse.consent import Look
from mailhouse.consent.state import state_of
from mailhouse.destinations import Change

STATUS, EVENTS = "warehouse.marts.consent_status", "warehouse.marts.consent_events"


class DecidedLook:
    """Reads `consent_status` as it stands, each time anew; what it cannot rely on it refuses."""

    def __init__(self, context: sync.Context) -> None:
        self._context = context
        self.trouble = ""
        self.withdrawn: list[tuple[datetime, str]] = []

    def expect(self, changes: Iterable[Change]) -> None:
        """Reads anew each time: nothing is prepared."""

    def look(self, changes: Sequence[Change]) -> Look:
        context = self._context
        state = state_of(context.warehouse, STATUS, EVENTS, context.clock.now(), context.consent_max_age)
        if not state.usable:
            self.trouble = state.trouble
            return Look({change.key: "consent_unavailable" for change in changes}, {})
        decisions = {
            (mailbox, purpose): (decision, reason, event_id)
            for mailbox, purpose, decision, reason, event_id in context.warehouse.execute(
                f"select mailbox, purpose, decision, reason, event_id from {STATUS}"
                " where mailbox in (select unnest(?::varchar[]))",
                [sorted({change.mailbox for change in changes})],
            ).fetchall()
        }
        refused: dict[str, str] = {}
        entries: dict[str, dict[str, str]] = {}
        for change in changes:
            if not change.needs:
                refused[change.key] = "no_purpose"
            for purpose in change.needs:
                decision, reason, event_id = decisions.get((change.mailbox, purpose), ("deny", "no_consent_record", ""))
                if decision != "allow":
                    refused[change.key] = reason
                else:
                    entries.setdefault(change.key, {})[purpose] = event_id
        return Look(refused, {key: entry for key, entry in entries.items() if key not in refused})

    def withdrawn_since(self, moment: datetime) -> set[str]:
        return {mailbox for at, mailbox in self.withdrawn if at >= moment}

    def close(self) -> None:
        """Holds nothing."""
