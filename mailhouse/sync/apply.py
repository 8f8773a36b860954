"""Applies a plan: each destination on its own, each call written down before it goes out and right after its answer."""

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace

from mailhouse.controls import paused
from mailhouse.crash_points import CrashPoints
from mailhouse.destinations import Action, Call, Change, Destination, Outcome, Rules, rules_for
from mailhouse.errors import ConfigurationError, MailhouseError, SyncRefused, VendorUnreachable
from mailhouse.http import OutcomeUnknown
from mailhouse.settings import Connection
from mailhouse.sync import state
from mailhouse.sync.context import ConsentLook, Context
from mailhouse.sync.departures import Departures
from mailhouse.sync.difference import dumps
from mailhouse.sync.journal import Journal
from mailhouse.sync.listening import Listening
from mailhouse.sync.plan import Plan

log = logging.getLogger(__name__)

# a call that was read back and found not taken is sent again this often within a run
ROUNDS = 3
# whoever leaves goes first, all of them, before anything is added; a record must be there before it can join a membership
ORDER: tuple[Action, ...] = ("leave", "write", "join")


@dataclass(frozen=True)
class DestinationResult:
    """What one destination came to; all figures but `calls` are rows of calls. `error` is why it stopped early.

    `withheld` are those whom the last look refused; `repaired` joined while their no was on its way and were taken off at once.
    """

    destination: str
    accepted: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    owed: int = 0
    withheld: Mapping[str, int] = field(default_factory=dict)
    repaired: int = 0
    calls_planned: int = 0
    calls_sent: int = 0
    calls: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None and not self.owed


@dataclass(frozen=True)
class SyncResult:
    """What a sync did. `ok` decides the exit code: rows that the ESP refused are recorded and do not make it fail.

    `troubles` are withdrawals heard meanwhile that could not be told on.
    """

    run_id: str
    plan: Plan
    destinations: tuple[DestinationResult, ...]
    troubles: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.plan.ok and not self.troubles and all(one.ok for one in self.destinations)

    @property
    def problems(self) -> tuple[str, ...]:
        """Each reason why it is not ok, one line each."""
        owed = "{}: {:,} rows are still owed; run `mailhouse sync` again"
        lines = [one.error or owed.format(one.destination, one.owed) for one in self.destinations if not one.ok]
        if not self.plan.consent.usable:
            lines.append(f"nothing was added or changed: {self.plan.consent.trouble}")
        lines += [f"{segment} is held back: {reason}" for segment, reason in sorted(self.plan.held_back.items())]
        return (*lines, *self.troubles)


def apply(context: Context, plan: Plan, kind: str = "sync") -> SyncResult:
    """Send what the plan says and write down what was acknowledged; `kind` is what the run is called in `reverse_sync.runs`.

    One destination's refusal does not hold up the others. Raises SyncRefused when the state cannot be used at all.
    """
    state.migrate(context.warehouse)
    crash_points = context.crash_points()
    journal = Journal(context.warehouse, uuid.uuid4().hex, context.leases, crash_points)
    planned = plan.as_dict()
    del planned["changes"]
    now = context.clock.now()
    journal.begin_run(now, dumps(planned), plan.call_count, kind=kind, plan_digest=plan.digest)
    journal.approve(plan.stops, plan.approval, now)
    journal.decide(plan.decisions, plan.is_complete, now)
    journal.tidy(plan.wanted, plan.is_complete)
    results, troubles = asyncio.run(_all(context, plan, journal, crash_points))
    result = SyncResult(journal.run_id, plan, tuple(results), troubles)
    calls = {one.destination: dict(one.calls) for one in results}
    accepted, rejected = sum(one.accepted for one in results), sum(sum(one.rejected.values()) for one in results)
    journal.end_run(context.clock.now(), dumps(calls), accepted, rejected, "ok" if result.ok else "; ".join(result.problems))
    return result


async def _all(
    context: Context, plan: Plan, journal: Journal, crash_points: CrashPoints
) -> tuple[list[DestinationResult], tuple[str, ...]]:
    listening = Listening(context.ear(context) if context.ear else None)
    with closing(context.last_look(context)) as look:
        everyone = [_Applying(context, plan, journal, look, listening, name, crash_points) for name in plan.calls]
        for one in everyone:
            await one.run([other for other in everyone if other is not one])
        # whoever said no while the last batches were on their way
        for one in everyone:
            await one.heed_at_last()
    await listening.end()
    return [one.result() for one in everyone], tuple(listening.troubles)


class _Applying:
    """One destination's share of a plan."""

    def __init__(
        self,
        context: Context,
        plan: Plan,
        journal: Journal,
        look: ConsentLook,
        listening: Listening,
        name: str,
        crash_points: CrashPoints,
    ) -> None:
        self._context, self._plan, self._journal, self._look, self._name = context, plan, journal, look, name
        self._listening = listening
        self._calls = plan.calls[name]
        self._crash_point = crash_points
        self._departures = Departures(context, plan.targets, name, self._look, self._calls)
        self._heeding = asyncio.Lock()
        self._account: Destination | None = None
        self._others: Sequence[_Applying] = ()
        # whether it did not answer when it was to take somebody off while another destination was written to
        self._is_silent = False
        self._counts: Counter[str] = Counter()
        self._accepted, self._owed, self._sent, self._repaired = 0, 0, 0, 0
        self._rejected: dict[str, int] = {}
        self._withheld: dict[str, int] = {}
        # document -> the ESP's own id of its record as this run's answers gave it; documents that were not taken
        self._vendor_ids: dict[tuple[str, str], str] = {}
        self._not_taken: set[tuple[str, str]] = set()
        # document -> the ledger's entries that the last look found to permit its write, as JSON
        self._permits: dict[tuple[str, str], str] = {}
        self._stopped: MailhouseError | None = None

    async def run(self, others: "Sequence[_Applying]") -> None:
        """Send what is planned; `others` are the destinations where nobody may wait for this one's end to be taken off."""
        self._others = others
        if not self._calls or not self._reachable():
            return
        self._look.expect(change for call in self._calls if call.action != "leave" for change in call.changes)
        try:
            async with self._connected() as destination:
                await self._prepare(destination)
                await self._apply(destination)
        except MailhouseError as error:
            self._stopped = self._stopped or error

    def _reachable(self) -> tuple[Connection, Rules] | None:
        connection = self._context.settings.connections.get(self._name)
        rules = rules_for(connection.vendor) if connection else None
        return (connection, rules) if connection and rules else None

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Destination]:
        """The account as it is open, or for as long as it is needed."""
        if self._account is not None:
            yield self._account
            return
        reachable = self._reachable()
        if reachable is None:
            raise ConfigurationError(f"{self._name}: is no connection that can be written to; see docs/connections.md")
        connection, rules = reachable
        async with rules.connect(connection, self._context.clock) as account:
            self._account = account
            try:
                yield account
            finally:
                self._account = None
                self._counts.update(account.counts())

    def result(self) -> DestinationResult:
        """What it all came to."""
        return DestinationResult(
            destination=self._name,
            accepted=self._accepted,
            rejected=dict(self._rejected),
            owed=self._owed,
            withheld=dict(self._withheld),
            repaired=self._repaired,
            calls_planned=len(self._calls),
            calls_sent=self._sent,
            calls=dict(self._counts),
            error=str(self._stopped) if self._stopped else None,
        )

    async def _prepare(self, destination: Destination) -> None:
        for container in sorted({call.container for call in self._calls}):
            writes = [call for call in self._calls if call.container == container and call.action != "leave"]
            memberships = sorted({one for call in writes for change in call.changes for one in change.add})
            await destination.prepare(container, memberships, self._plan.field_kinds.get(self._name, {}) if writes else {})

    async def _apply(self, destination: Destination) -> None:
        for action in ORDER:
            waiting = [call for call in self._calls if call.action == action]
            waiting.reverse()
            lanes = min(destination.limits.connections, len(waiting))
            await asyncio.gather(*(self._lane(destination, waiting) for _ in range(lanes)))
        if self._stopped:
            raise self._stopped

    async def _lane(self, destination: Destination, waiting: list[Call]) -> None:
        """Takes the next call until there is none, or until one failed in a way the next would too."""
        while waiting and self._stopped is None:
            call = waiting.pop()
            try:
                # removals go out also when nobody can tell what was said meanwhile
                if call.action != "leave":
                    await self._heed()
                    for other in self._others:
                        await other.heed_meanwhile()
                await self._carry(destination, call)
            except MailhouseError as error:
                log.warning("%s", error)
                self._stopped = self._stopped or error

    async def _heed(self) -> None:
        """Take those off who have said no since this was done before: a no does not wait for the next run."""
        async with self._heeding:
            self._listening.once_more()
            with self._departures.asked_again_after_a_failure():
                calls = self._departures.since_last_asked()
                if calls:
                    async with self._connected() as destination:
                        for call in calls:
                            self._repaired += len(call.changes)
                            await self._rounds(destination, call)

    async def heed_meanwhile(self) -> None:
        """As `_heed`, while another destination is written to, which a silent one does not hold up."""
        if not self._is_silent and self._reachable():
            try:
                await self._heed()
            except MailhouseError as error:
                log.warning("%s", error)
                self._is_silent = True

    async def heed_at_last(self) -> None:
        """As `_heed`, when everything is sent; whom this cannot take off is owed to the next run, and this one says so."""
        if self._reachable():
            try:
                await self._heed()
            except MailhouseError as error:
                self._stopped = self._stopped or error

    async def _carry(self, destination: Destination, planned: Call) -> None:
        call = self._allowed(planned)
        if call is None:
            return
        accepted = await self._rounds(destination, call)
        if call.action != "leave" and accepted:
            # a no that became known while the batch was on the wire
            for late in self._departures.of(accepted):
                self._repaired += len(late.changes)
                await self._rounds(destination, late)

    async def _rounds(self, destination: Destination, call: Call) -> list[Change]:
        """Send a call, and what of it was surely not taken again; the changes that were accepted."""
        accepted: list[Change] = []
        left: Call | None = call
        for _ in range(ROUNDS):
            if left is None:
                return accepted
            said = {outcome.key: outcome for outcome in await self._send(destination, left)}
            accepted += [change for change in left.changes if said[change.key].status == "accepted"]
            again = tuple(change for change in left.changes if said[change.key].status == "try_again")
            left = self._allowed(replace(left, changes=again)) if again else None
        if left:
            self._owed += len(left.changes)
            self._not_taken |= {(change.container, change.key) for change in left.changes}
        return accepted

    def _allowed(self, call: Call) -> Call | None:
        """What of a call may go out now. What causes a removal needs no permission, and a pause holds only the others."""
        pause = paused(self._context.settings, self._name, self._plan.segments_of(self._name, call))
        if call.action == "leave":
            return self._departures.those_who_said_no(call) if pause else call
        if pause:
            raise SyncRefused(f"{self._name}: nothing more is added or changed: {pause}")
        return self._permitted(self._ready(call))

    def _permitted(self, call: Call | None) -> Call | None:
        """The last look: no call that adds or changes goes out without it."""
        if call is None:
            return None
        seen = self._look.look(call.changes)
        if self._look.trouble:
            raise SyncRefused(f"{self._name}: nothing more is added or changed: {self._look.trouble}")
        refused = seen.refused
        self._permits |= {(call.container, key): dumps(entries) for key, entries in seen.entries.items()}
        for reason in refused.values():
            self._withheld[reason] = self._withheld.get(reason, 0) + 1
        self._not_taken |= {(change.container, change.key) for change in call.changes if change.key in refused}
        allowed = tuple(change for change in call.changes if change.key not in refused)
        return replace(call, changes=allowed) if allowed else None

    def _ready(self, call: Call) -> Call | None:
        """A joining needs the record: whose write was not taken waits, whose record is new has its id from the answer."""
        if call.action != "join":
            return call
        changes = []
        for change in call.changes:
            document = (change.container, change.key)
            if document in self._not_taken:
                # why is counted already, with the record: refused, withheld, or owed
                continue
            changes.append(replace(change, vendor_id=self._vendor_ids.get(document, change.vendor_id)))
        return replace(call, changes=tuple(changes)) if changes else None

    async def _send(self, destination: Destination, call: Call) -> Sequence[Outcome]:
        journal, clock = self._journal, self._context.clock
        for lease in self._context.leases:
            lease.check()
        self._crash_point("sync.before_send")
        keys = [change.key for change in call.changes] if call.action != "leave" else []
        permits = {key: self._permits.get((call.container, key), "") for key in keys}
        call_id = journal.sending(call, clock.now(), permits)
        self._sent += 1
        self._crash_point("sync.sending")
        try:
            outcomes = await destination.send(call, lambda reference: self._remember(call_id, reference))
        except OutcomeUnknown as unknown:
            log.warning("%s", unknown)
            outcomes = await destination.settle(call)
        except VendorUnreachable:
            # refused each time: surely not taken
            journal.not_sent(call_id)
            raise
        self._crash_point("sync.after_accept")
        journal.settled(call_id, call, outcomes, clock.now(), permits)
        self._crash_point("sync.recorded")
        self._count(call, outcomes)
        return outcomes

    def _remember(self, call_id: str, reference: str) -> None:
        self._crash_point("sync.job_accepted")
        self._journal.remember(call_id, reference)
        self._crash_point("sync.job_remembered")

    def _count(self, call: Call, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self._accepted += outcome.status == "accepted"
            if outcome.vendor_id:
                self._vendor_ids[call.container, outcome.key] = outcome.vendor_id
            if outcome.status == "rejected":
                self._rejected[outcome.code] = self._rejected.get(outcome.code, 0) + 1
                self._not_taken.add((call.container, outcome.key))
