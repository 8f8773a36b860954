"""Tells one system what it is owed: batch by batch, what is unknown is read back, what is refused as a whole is halved."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Protocol

from mailhouse.errors import MailhouseError
from mailhouse.http import OutcomeUnknown
from mailhouse.withdrawals.base import BatchRefused, Told, Withdrawal, Writer

log = logging.getLogger(__name__)

# what was read back and found not taken is told again this often within a run
ROUNDS = 3


class Notes(Protocol):
    """Where it is written down: right before a batch goes out, and right after its answers."""

    def telling(self, batch: Sequence[Withdrawal]) -> None: ...

    def told(self, answers: Sequence[Told]) -> None: ...

    def found(self, unseen: Sequence[Withdrawal], found: Sequence[Withdrawal]) -> None: ...


async def tell_all(writer: Writer, owed: Sequence[Withdrawal], notes: Notes) -> MailhouseError | None:
    """Tell everything that is owed to one system; gives back what stopped it, if anything did.

    What is neither accepted nor rejected in the end stays owed.
    """
    unseen = [one for one in owed if not one.is_known]
    waiting = [one for one in owed if one.is_known]
    stopped: MailhouseError | None = None
    if unseen:
        try:
            found, settled = await writer.look(unseen)
            notes.found(unseen, found)
            notes.told(settled)
            waiting += found
        except MailhouseError as error:
            # whom we cannot look up we cannot tell now; the others can still be told
            stopped = error
    batches = list(in_batches(waiting, writer.batch))
    batches.reverse()
    failed = await asyncio.gather(*(_lane(writer, batches, notes) for _ in range(min(writer.lanes, len(batches)))))
    return next((error for error in failed if error), stopped)


def in_batches(waiting: Sequence[Withdrawal], size: int) -> Iterator[list[Withdrawal]]:
    """The withdrawals by container, cut into batches; a record is in a batch once, for whichever of its refusals."""
    containers: dict[str, list[Withdrawal]] = {}
    for one in waiting:
        containers.setdefault(one.container, []).append(one)
    for _, ones in sorted(containers.items()):
        for start in range(0, len(ones), size):
            yield ones[start : start + size]


async def _lane(writer: Writer, batches: list[list[Withdrawal]], notes: Notes) -> MailhouseError | None:
    """Takes the next batch until there is none, or until one failed in a way the next would too."""
    while batches:
        batch = batches.pop()
        try:
            notes.telling(batch)
            notes.told(await carry(writer, batch))
        except MailhouseError as error:
            log.warning("%s", error)
            batches.clear()
            return error
    return None


async def carry(writer: Writer, batch: Sequence[Withdrawal]) -> list[Told]:
    """Tell one batch until each of it has an answer, or has been told and found missing `ROUNDS` times."""
    answers: dict[tuple[str, str, str, str], Told] = {}
    waiting = list(batch)
    for _ in range(ROUNDS):
        try:
            told = await writer.tell(waiting)
        except OutcomeUnknown as unknown:
            log.warning("%s", unknown)
            told = await writer.read_back(waiting)
        except BatchRefused as refused:
            told = await _halves(writer, waiting, refused)
        answers |= {one.withdrawal.key: one for one in told}
        waiting = [one for one in waiting if one.key not in answers or answers[one.key].status == "unknown"]
        if not waiting:
            break
    lost = [Told(one, "unknown", "not_taken", "not there when read back") for one in waiting if one.key not in answers]
    return [*answers.values(), *lost]


async def _halves(writer: Writer, batch: Sequence[Withdrawal], refused: BatchRefused) -> list[Told]:
    if len(batch) == 1:
        return [Told(batch[0], "rejected", refused.code, str(refused))]
    middle = len(batch) // 2
    return [*await carry(writer, batch[:middle]), *await carry(writer, batch[middle:])]
