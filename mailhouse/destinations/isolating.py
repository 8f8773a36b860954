"""Finding the rows for which a call was refused as a whole, so that the others still land."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from mailhouse.destinations.base import Call, Outcome
from mailhouse.errors import VendorUnreachable
from mailhouse.http import OutcomeUnknown, redacted

# no search is longer than this: a vendor that refuses everything is not asked about every single row
MOST_EXTRA_CALLS = 400


@dataclass
class RefusedWhole(Exception):
    """A call was refused as it is, and none of it was taken. `rows` are the outcomes of those that the answer names, by key."""

    code: str
    reason: str
    rows: Mapping[str, Outcome] = field(default_factory=dict)
    status: int = 0


class Isolating:
    """Sends a call, and where it is refused as a whole sends what is left without the culprits.

    Those that the answer names are known at once; else the call is halved, at most 2 * ceil(log2 n) more calls a bad row.
    """

    def __init__(
        self, send: Callable[[Call], Awaitable[list[Outcome]]], settle: Callable[[Call], Awaitable[list[Outcome]]]
    ) -> None:
        self._send, self._settle = send, settle
        self._extra = MOST_EXTRA_CALLS

    async def outcomes(self, call: Call) -> list[Outcome]:
        """One outcome a change. Raises what `send` raises, OutcomeUnknown when a part may have been taken."""
        try:
            return await self._send(call)
        except RefusedWhole as refused:
            return await self._without(call, refused)

    async def _part(self, call: Call) -> list[Outcome]:
        """A part of a call that was refused; other parts may have been taken by now."""
        self._extra -= 1
        try:
            return await self.outcomes(call)
        except OutcomeUnknown:
            return await self._settle(call)
        except VendorUnreachable as error:
            raise OutcomeUnknown(f"{error}; parts of the same call are read back") from error

    async def _without(self, call: Call, refused: RefusedWhole) -> list[Outcome]:
        if len(call.changes) == 1:
            (change,) = call.changes
            return [refused.rows.get(change.key) or Outcome(change.key, "rejected", refused.code, redacted(refused.reason))]
        if refused.rows:
            named = [refused.rows[change.key] for change in call.changes if change.key in refused.rows]
            others = tuple(change for change in call.changes if change.key not in refused.rows)
            return named + (await self._part(replace(call, changes=others)) if others else [])
        if self._extra <= 0:
            return [Outcome(change.key, "try_again", refused.code, refused.reason) for change in call.changes]
        middle = len(call.changes) // 2
        first = await self._part(replace(call, changes=call.changes[:middle]))
        return first + await self._part(replace(call, changes=call.changes[middle:]))
