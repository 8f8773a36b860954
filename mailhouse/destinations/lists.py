"""Lists of an account: found by name once, created when missing."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

from mailhouse.errors import ConfigurationError
from mailhouse.http import Answer, HttpClient, OutcomeUnknown


class NamedLists(ABC):
    """Remembers for one run which list has which id."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._ids: dict[str, str | None] = {}
        # calls run side by side, and each wants to know its list first
        self._finding = asyncio.Lock()

    @abstractmethod
    async def _find(self, names: Sequence[str]) -> Mapping[str, str | None]:
        """The id of each list of these names, None where there is none. Raises ConfigurationError for one that cannot be used."""

    @abstractmethod
    async def _make(self, name: str) -> Answer:
        """Ask for a list of that name, once. Raises OutcomeUnknown."""

    @abstractmethod
    def _made(self, answer: Answer) -> str:
        """The id of the list that was made. Raises MalformedAnswer."""

    async def id_of(self, name: str) -> str | None:
        """The id of the list of that name, None when there is none. Raises ConfigurationError for one that cannot be used."""
        return (await self.ids_of([name]))[name]

    async def ids_of(self, names: Iterable[str]) -> dict[str, str | None]:
        """As `id_of`, of several lists."""
        wanted = sorted(set(names))
        async with self._finding:
            if unknown := [name for name in wanted if name not in self._ids]:
                self._ids |= await self._find(unknown)
        return {name: self._ids[name] for name in wanted}

    async def needed(self, name: str) -> str:
        """The id of a list that must be there. Raises ConfigurationError."""
        list_id = await self.id_of(name)
        if list_id is None:
            raise ConfigurationError(f"{self._client.name}: there is no list called {name!r} any more; run again, which makes it")
        return list_id

    async def is_gone(self, name: str) -> bool:
        """Whether the list, looked up anew, is not there."""
        self._ids.pop(name, None)
        return await self.id_of(name) is None

    async def check(self, names: Iterable[str]) -> None:
        """Look the lists up anew. Raises ConfigurationError where one is gone."""
        for name in names:
            if await self.is_gone(name):
                await self.needed(name)

    async def prepare(self, names: Sequence[str]) -> None:
        """Create the lists that are missing. Raises ConfigurationError when the ESP refuses one."""
        for name, list_id in (await self.ids_of(names)).items():
            if list_id is None:
                await self._create(name)

    async def _create(self, name: str) -> None:
        try:
            answer = await self._make(name)
        except OutcomeUnknown:
            if await self.is_gone(name):
                raise
            return
        if answer.status not in (200, 201):
            raise ConfigurationError(f"{self._client.name}: cannot make the list {name!r}: {self._client.detail(answer)}")
        self._ids[name] = self._made(answer)
