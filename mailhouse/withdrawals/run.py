"""Tells every connected system who said no: nothing holds it back, and one system's failure holds up no other."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mailhouse.consent.inbox import Inbox
from mailhouse.errors import MailhouseError, StateUnreadable
from mailhouse.settings import Connection
from mailhouse.sync import state
from mailhouse.sync.context import Context
from mailhouse.withdrawals.base import UNKNOWN_THERE, Told, Withdrawal
from mailhouse.withdrawals.echoes import Echo, confirm_echoes
from mailhouse.withdrawals.journal import WithdrawalJournal
from mailhouse.withdrawals.newer import Newer, newer_acts
from mailhouse.withdrawals.owed import Finding
from mailhouse.withdrawals.purposes import served_purposes
from mailhouse.withdrawals.systems import connect, systems_of
from mailhouse.withdrawals.telling import tell_all

log = logging.getLogger(__name__)

Say = Callable[[str], None]


@dataclass(frozen=True)
class SystemResult:
    """What telling one system came to, in addresses. `owed` is what it has not acknowledged, by the reason why not.

    `told` are those it was asked about, `unknown_there` those among the accepted that it does not know; `error` is why it
    could not be told at all.
    """

    connection_id: str
    told: int = 0
    accepted: int = 0
    unknown_there: int = 0
    rejected: int = 0
    owed: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None and not self.owed

    @property
    def problem(self) -> str:
        """Why it is not ok, in one line."""
        if not self.owed:
            return str(self.error)
        owed = ", ".join(f"{count:,} {code}" for code, count in sorted(self.owed.items()))
        line = (
            f"{self.connection_id}: {sum(self.owed.values()):,} withdrawals are not acknowledged ({owed}); they are tried again"
        )
        return f"{line}: {self.error}" if self.error else line


@dataclass(frozen=True)
class WithdrawalResult:
    """The receipts of one round of telling. `troubles` is what could not be found out, one line each."""

    systems: tuple[SystemResult, ...] = ()
    troubles: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.troubles and all(system.ok for system in self.systems)

    @property
    def problems(self) -> tuple[str, ...]:
        return (*self.troubles, *(system.problem for system in self.systems if not system.ok))


def tell(context: Context, say: Say, *, expect_models: bool = True) -> WithdrawalResult:
    """Tell every connected system what it is owed, and write down what each answered.

    Looks at no gate, breaker, pause or approval. `expect_models` says that the models are built, so that one that is missing
    is a trouble. Raises SyncRefused when the state was written by a newer Mailhouse.
    """
    state.migrate(context.warehouse)
    return asyncio.run(tell_round(context, say, expect_models=expect_models))


async def tell_round(context: Context, say: Say, *, only_inbox: bool = False, expect_models: bool = True) -> WithdrawalResult:
    """One round of telling. `only_inbox`: just what the inbox has taken since the build, and what may be tried again by now."""
    journal = WithdrawalJournal(context.warehouse, uuid.uuid4().hex)
    systems = systems_of(context.settings)
    newer, troubles = Newer(), []
    try:
        newer = newer_acts(Inbox(context.settings.inbox_path), context.warehouse)
    except StateUnreadable as error:
        troubles.append(str(error))
    served = served_purposes(context)
    finding = Finding(context.warehouse, systems, served, newer)
    now = context.clock.now()
    if only_inbox:
        owed = finding.owed_by_inbox(journal, now)
    else:
        journal.end_overtaken(finding.overtaken(), now)
        owed = finding.owed(journal, expect_models=expect_models)
    for name in systems:
        journal.owe(owed.of(name), now)
    results = await _side_by_side([_System(context, journal, one, owed.of(name), say) for name, one in systems.items()])
    return WithdrawalResult(tuple(results), (*troubles, *served.trouble, *owed.troubles))


async def _side_by_side(systems: Sequence["_System"]) -> list[SystemResult]:
    results = await asyncio.gather(*(system.tell() for system in systems), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            # a fault of ours, raised only when every other system has been told
            raise result
    return [result for result in results if isinstance(result, SystemResult)]


class _System:
    """One system's share of a round; also the notes that are taken of it."""

    def __init__(
        self, context: Context, journal: WithdrawalJournal, connection: Connection, owed: Sequence[Withdrawal], say: Say
    ) -> None:
        self._context, self._journal, self._connection, self._owed, self._say = context, journal, connection, owed, say
        self._answers: dict[tuple[str, str, str, str], Told] = {}
        self._is_dated = True

    def telling(self, batch: Sequence[Withdrawal]) -> None:
        self._journal.telling(batch, self._context.clock.now())

    def told(self, answers: Sequence[Told]) -> None:
        self._journal.told(answers, self._context.clock.now(), is_dated=self._is_dated)
        self._answers |= {one.withdrawal.key: one for one in answers}
        self._say(f"{self._connection.id}: {len(self._answers):,} told")

    def found(self, unseen: Sequence[Withdrawal], found: Sequence[Withdrawal]) -> None:
        self._journal.found(unseen, found, self._context.clock.now())

    async def tell(self) -> SystemResult:
        name, clock = self._connection.id, self._context.clock
        stopped: MailhouseError | None = None
        calls: Mapping[str, int] = {}
        echoes = [Echo(*changed) for changed in self._journal.changed_since(name)]
        if self._owed or echoes:
            try:
                async with connect(self._connection, clock) as writer:
                    self._is_dated = writer.is_dated
                    try:
                        stopped = await tell_all(writer, self._owed, self) if self._owed else None
                        await confirm_echoes(writer, echoes, self._journal)
                    finally:
                        calls = writer.counts()
            except MailhouseError as error:
                stopped = stopped or error
        if stopped:
            log.warning("%s", stopped)
            self._journal.put_off(name, clock.now(), str(stopped))
        return self._result(calls, stopped)

    def _result(self, calls: Mapping[str, int], stopped: MailhouseError | None) -> SystemResult:
        answers = list(self._answers.values())
        return SystemResult(
            connection_id=self._connection.id,
            told=len(answers),
            accepted=sum(one.status == "accepted" for one in answers),
            unknown_there=sum(one.status == "accepted" and one.code == UNKNOWN_THERE for one in answers),
            rejected=sum(one.status == "rejected" for one in answers),
            owed=self._journal.open_by_system().get(self._connection.id, {}),
            calls=calls,
            error=str(stopped) if stopped else None,
        )
