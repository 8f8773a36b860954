"""What every ESP's events have in common: each is told once, under a name of the settings, and gets its one outcome."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from mailhouse.destinations.events import Event, EventOutcome, check_named, once
from mailhouse.destinations.telling import Telling
from mailhouse.http import HttpClient


class Transport(ABC):
    """Implements `EventTransport` for a vendor that says how many events are one call, and makes that call.

    `keeps_keys` is as in `EventRules`; `known` is what each event of the settings is there.
    """

    keeps_keys: ClassVar[bool]

    def __init__(self, client: HttpClient, known: Mapping[str, Any]) -> None:
        self.name = client.name
        self._client, self._known = client, known

    def counts(self) -> Mapping[str, int]:
        return dict(self._client.calls)

    async def send(self, events: Sequence[Event]) -> list[EventOutcome]:
        events = once(events)
        check_named(self.name, events, self._known)
        telling = Telling(self._tell, keeps_keys=self.keeps_keys, side_by_side=self._client.limits.connections)
        return await telling.outcomes(await self._calls(events))

    async def _calls(self, events: Sequence[Event]) -> Sequence[Sequence[Event]]:
        """The events call by call; nothing has been sent yet. Raises as `EventTransport.send`."""
        return [[event] for event in events]

    @abstractmethod
    async def _tell(self, events: Sequence[Event]) -> list[EventOutcome]:
        """Make one call. Raises `Refused`, and what the HTTP client raises."""
