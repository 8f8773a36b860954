"""Lists of a Klaviyo account: found by name once, created when missing, and the flows that joining one starts."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from mailhouse.destinations.klaviyo import wire
from mailhouse.destinations.klaviyo.limits import LIST_PAGE
from mailhouse.destinations.klaviyo.reading import document, pages
from mailhouse.errors import ConfigurationError, MalformedAnswer
from mailhouse.http import HttpClient, OutcomeUnknown

LISTS = "/api/lists"


class Lists:
    """Remembers for one run which list has which id."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._ids: dict[str, str | None] = {}
        # calls run side by side, and each wants to know its list first
        self._finding = asyncio.Lock()

    async def id_of(self, name: str) -> str | None:
        """The id of the list of that name, None when there is none. Raises ConfigurationError when there are two."""
        return (await self.ids_of([name]))[name]

    async def ids_of(self, names: Iterable[str]) -> dict[str, str | None]:
        """As `id_of`, of several lists in few calls."""
        wanted = sorted(set(names))
        async with self._finding:
            unknown = [name for name in wanted if name not in self._ids]
            for start in range(0, len(unknown), LIST_PAGE):
                await self._find(unknown[start : start + LIST_PAGE])
        return {name: self._ids[name] for name in wanted}

    async def _find(self, names: Sequence[str]) -> None:
        params = {"filter": wire.any_of("name", names), "fields[list]": "name", "page[size]": LIST_PAGE}
        found: dict[str, str | None] = dict.fromkeys(names)
        for entry in await pages(self._client, LISTS, LISTS, params):
            name = str((entry.get("attributes") or {}).get("name"))
            if found.get(name):
                raise ConfigurationError(f"{self._client.name}: two lists are called {name!r}; rename one")
            found[name] = str(entry["id"])
        self._ids |= {name: found[name] for name in names}

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
        """Create the lists that are missing. Raises ConfigurationError when Klaviyo refuses one."""
        for name, identifier in (await self.ids_of(names)).items():
            if identifier is None:
                await self._create(name)

    async def _create(self, name: str) -> None:
        body = {"data": {"type": "list", "attributes": {"name": name}}}
        try:
            # a second list of the same name would be one too many: not tried again before looking
            answer = await self._client.write("POST", LISTS, LISTS, body, again=False)
        except OutcomeUnknown:
            if await self.is_gone(name):
                raise
            return
        if answer.status != 201:
            raise ConfigurationError(f"{self._client.name}: cannot make the list {name!r}: {self._client.detail(answer)}")
        data = document(self._client, f"POST {LISTS}", answer)["data"]
        if not isinstance(data, Mapping) or not data.get("id"):
            raise MalformedAnswer(f"{self._client.name}: POST {LISTS}: a list without an id in the answer; run again")
        self._ids[name] = str(data["id"])

    async def flows(self, name: str) -> tuple[str, ...]:
        """Names of the live flows that joining the list starts."""
        identifier = await self.id_of(name)
        if identifier is None:
            return ()
        params = {"include": "flow-triggers", "fields[flow]": "name,status,archived"}
        answer = await self._client.read(f"{LISTS}/{quote(identifier)}", f"{LISTS}/{{id}}", params)
        included = document(self._client, f"GET {LISTS}/{{id}}", answer).get("included") or []
        flows: list[Mapping[str, Any]] = [one for one in included if one.get("type") == "flow"]
        live = [one for one in flows if one["attributes"].get("status") == "live" and not one["attributes"].get("archived")]
        return tuple(sorted(str(one["attributes"].get("name") or one["id"]) for one in live))
