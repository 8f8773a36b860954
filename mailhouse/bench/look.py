"""A last look at decisions made by hand: the engine is measured with it, and no dbt project has to be built for that."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mailhouse.consent import Look
from mailhouse.destinations import Change

if TYPE_CHECKING:
    from mailhouse.sync import Context


class AllowedLook:
    """Allows what `marts.consent_status` allowed when the run began, and refuses everything else."""

    def __init__(self, context: "Context") -> None:
        self.trouble = ""
        rows = context.warehouse.execute(
            "select mailbox, purpose, event_id from marts.consent_status where decision = 'allow'"
        ).fetchall()
        self._entries = {(mailbox, purpose): entry for mailbox, purpose, entry in rows}

    def expect(self, changes: Iterable[Change]) -> None:
        """Reads anew each time: nothing is prepared."""

    def look(self, changes: Sequence[Change]) -> Look:
        refused: dict[str, str] = {}
        entries: dict[str, dict[str, str]] = {}
        for change in changes:
            found = {purpose: self._entries.get((change.mailbox, purpose), "") for purpose in change.needs}
            if found and all(found.values()):
                entries[change.key] = found
            else:
                refused[change.key] = "no_consent_record"
        return Look(refused, entries)

    def withdrawn_since(self, moment: datetime) -> set[str]:  # noqa: ARG002
        """Nobody says no during a benchmark."""
        return set()

    def close(self) -> None:
        """Holds nothing."""
