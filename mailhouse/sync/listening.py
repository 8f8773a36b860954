"""Telling other systems what was heard, beside the batches: a slow system holds up nobody."""

import asyncio
import logging

from mailhouse.errors import MailhouseError
from mailhouse.sync.context import Ear

log = logging.getLogger(__name__)


class Listening:
    """One run's listening: at most one telling is under way, and the run does not end before it.

    `troubles` are why something could not be told, one line each; the run then ends non-zero.
    """

    def __init__(self, ear: Ear | None) -> None:
        self._ear = ear
        self.troubles: list[str] = []
        self._telling: asyncio.Task[None] | None = None

    def once_more(self) -> None:
        """Begin to tell what was heard since the last time, unless a telling is still under way."""
        if self._ear is not None and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell(self._ear))

    async def end(self) -> None:
        """Tell what came last, and wait for it."""
        if self._telling is not None:
            await self._telling
        if self._ear is not None:
            await self._tell(self._ear)

    async def _tell(self, ear: Ear) -> None:
        try:
            told = await ear.heed()
        except MailhouseError as error:
            self._note(str(error))
        else:
            for problem in told.problems if told is not None else ():
                self._note(problem)

    def _note(self, trouble: str) -> None:
        log.warning("%s", trouble)
        if trouble not in self.troubles:
            self.troubles.append(trouble)
