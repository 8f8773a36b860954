"""What the inbox takes while a sync is running is told to every system between two batches, not when the run is over."""

import asyncio

from mailhouse.consent.inbox import Inbox
from mailhouse.sync.context import Context
from mailhouse.withdrawals.journal import is_due
from mailhouse.withdrawals.run import Say, WithdrawalResult, tell_round


class Hearing:
    """One run's ear. Several lanes may call it at once: an act is told once."""

    def __init__(self, context: Context, say: Say = lambda _: None) -> None:
        self._context, self._say = context, say
        self._inbox = Inbox(context.settings.inbox_path)
        self._taken = -1
        self._one_at_a_time = asyncio.Lock()

    async def heed(self) -> WithdrawalResult | None:
        """Tell every connected system what was heard since the last call; None when there was nothing to tell.

        What a system does not take stays owed, and is tried again by a call a minute later, or by the next run. One that is
        slow holds up this call and no other system: await it beside the batches. Raises StateUnreadable when nobody knows
        what was said.
        """
        async with self._one_at_a_time:
            arrived = self._inbox.acts(after=self._taken) if self._inbox.exists else []
            if not arrived and self._taken >= 0 and not is_due(self._context.warehouse, self._context.clock.now()):
                return None
            self._taken = arrived[-1].seq if arrived else max(self._taken, 0)
            result = await tell_round(self._context, self._say, only_inbox=True)
            return result if any(system.told for system in result.systems) or not result.ok else None
