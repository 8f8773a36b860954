"""A last look that is quick: the built decisions, and the rule in Python on whatever the inbox has taken since."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from mailhouse.consent import Look
from mailhouse.consent.inbox import Inbox
from mailhouse.consent.state import state_of
from mailhouse.destinations import Change
from mailhouse.sync import Context
from tests.python.proof.invariants import Known

STATUS, EVENTS = "warehouse.marts.consent_status", "warehouse.marts.consent_events"


class RuleLook:
    """Stands in for `LastLook` where many steps count; `known` is what is known, kept up to date by the walk."""

    def __init__(self, context: Context, known: Known) -> None:
        self._context, self._known = context, known
        self._inbox = Inbox(context.settings.inbox_path)
        self.trouble = ""

    def expect(self, changes: Iterable[Change]) -> None:
        """Reads anew each time: nothing is prepared."""

    def look(self, changes: Sequence[Change]) -> Look:
        context = self._context
        state = state_of(context.warehouse, STATUS, EVENTS, context.clock.now(), context.consent_max_age)
        self.trouble = state.trouble
        if self._inbox.exists is False:
            self.trouble = self.trouble or "the inbox is not there"
        if self.trouble:
            return Look({change.key: "consent_unavailable" for change in changes}, {})
        built = self._built(sorted({change.mailbox for change in changes}))
        refused: dict[str, str] = {}
        entries: dict[str, dict[str, str]] = {}
        for change in changes:
            for purpose in change.needs or ("no_purpose",):
                event_id = built.get((change.mailbox, purpose))
                if event_id is None or not self._known.allows(change.mailbox, purpose, context.clock.now()):
                    refused[change.key] = "refused"
                else:
                    entries.setdefault(change.key, {})[purpose] = event_id
        return Look(refused, {key: entry for key, entry in entries.items() if key not in refused})

    def _built(self, mailboxes: list[str]) -> dict[tuple[str, str], str]:
        """(Mailbox, purpose) -> the entry that permits it, as the build decided."""
        rows = self._context.warehouse.execute(
            f"select mailbox, purpose, event_id from {STATUS}"
            " where decision = 'allow' and mailbox in (select unnest(?::varchar[]))",
            [mailboxes],
        ).fetchall()
        return {(mailbox, purpose): event_id for mailbox, purpose, event_id in rows}

    def withdrawn_since(self, moment: datetime) -> set[str]:
        named = self._inbox.withdrawn_since(moment)
        return {box for mailbox in named for box in self._known.people.reached(mailbox)}

    def close(self) -> None:
        """Holds nothing."""
