"""Makes the calls that tell an ESP of events, so that each event gets its one outcome whatever befalls a call."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from mailhouse.destinations.events import Event, EventOutcome
from mailhouse.destinations.isolating import MOST_EXTRA_CALLS
from mailhouse.errors import CredentialsMissing, CredentialsRejected, VendorUnreachable
from mailhouse.http import Answer, HttpClient, OutcomeUnknown

# what says that something is wrong with the events of a call; every other refusal is about us
ABOUT_EVENTS = (400, 413, 422)

Tell = Callable[[Sequence[Event]], Awaitable[list[EventOutcome]]]


@dataclass
class Refused(Exception):
    """A call was refused as it is, and nothing of it was taken. `named` are the keys that the answer points at, if it does.

    `about_us`: no other choice of events would do better.
    """

    code: str
    reason: str
    named: frozenset[str] = frozenset()
    about_us: bool = False


def refused(client: HttpClient, answer: Answer, named: frozenset[str] = frozenset()) -> Refused:
    """The refusal that an answer is. Raises OutcomeUnknown for a success that nobody promised."""
    if answer.status < 300:
        raise OutcomeUnknown(f"{client.name}: an event was answered with {answer.status}, which says nothing of it")
    return Refused(f"http_{answer.status}", client.detail(answer), named, answer.status not in ABOUT_EVENTS)


class Telling:
    """Runs one sending: `tell` makes one call with the events given, or raises Refused or what the HTTP client raises.

    `keeps_keys` says whether the vendor knows an event again by our key: only then may one without an answer be given again.
    A refused call is sent once more in parts, the events that its answer names alone, else by halves, until those at fault
    stand alone and the others have gone out.
    """

    def __init__(self, tell: Tell, *, keeps_keys: bool, side_by_side: int) -> None:
        self._tell, self._keeps_keys, self._side_by_side = tell, keeps_keys, side_by_side
        self._extra = MOST_EXTRA_CALLS
        self._not_allowed = ""

    async def outcomes(self, calls: Sequence[Sequence[Event]]) -> list[EventOutcome]:
        """One outcome for each event of the calls."""
        waiting, found = iter(calls), list[EventOutcome]()
        workers = min(self._side_by_side, len(calls))
        await asyncio.gather(*(self._work(waiting, found) for _ in range(workers)))
        return found

    async def _work(self, waiting: Iterator[Sequence[Event]], found: list[EventOutcome]) -> None:
        for events in waiting:
            found.extend(await self._told(events))

    async def _told(self, events: Sequence[Event]) -> list[EventOutcome]:
        if self._not_allowed:
            # the same credentials will not do better, and some vendors lock whoever insists
            return [EventOutcome(event.key, "try_again", "credentials", self._not_allowed) for event in events]
        try:
            return await self._tell(events)
        except Refused as said:
            return await self._in_parts(events, said)
        except OutcomeUnknown:
            status = "try_again" if self._keeps_keys else "unknown"
            return [EventOutcome(one.key, status, "no_answer", "whether it was taken is not known") for one in events]
        except (CredentialsRejected, CredentialsMissing) as error:
            self._not_allowed = str(error)
            return [EventOutcome(event.key, "try_again", "credentials", str(error)) for event in events]
        except VendorUnreachable as error:
            return [EventOutcome(event.key, "try_again", "unreachable", str(error)) for event in events]

    async def _in_parts(self, events: Sequence[Event], said: Refused) -> list[EventOutcome]:
        if len(events) == 1 and not said.about_us:
            return [EventOutcome(events[0].key, "rejected", said.code, said.reason)]
        if said.about_us or self._extra <= 0:
            return [EventOutcome(event.key, "try_again", said.code, said.reason) for event in events]
        found: list[EventOutcome] = []
        for part in _parts(events, said.named):
            self._extra -= 1
            found += await self._told(part)
        return found


def _parts(events: Sequence[Event], named: frozenset[str]) -> list[Sequence[Event]]:
    """Each that is named alone and the others together; where none is named, two halves."""
    others = [event for event in events if event.key not in named]
    if len(others) == len(events):
        middle = len(events) // 2
        return [events[:middle], events[middle:]]
    return [*([event] for event in events if event.key in named), *([others] if others else [])]
