"""Lists and fields of a SendGrid account: found by name once, created when missing."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mailhouse.destinations.sendgrid.limits import FIELDS, LISTS
from mailhouse.destinations.sendgrid.reading import document, pages
from mailhouse.destinations.sendgrid.wire import RESERVED, Definition
from mailhouse.errors import ConfigurationError
from mailhouse.http import HttpClient, OutcomeUnknown

# what each of our types may be kept as; the first is what a new field is made as
_FITTING = {"text": ("Text",), "number": ("Number", "Text"), "date": ("Date", "Text"), "boolean": ("Text",)}


class Setup:
    """Remembers for one run which list and which field has which id."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._lists: dict[str, str] | None = None
        self._fields: dict[str, Definition] | None = None
        # calls run side by side, and each wants the same listings first
        self._finding = asyncio.Lock()

    async def prepare(self, names: Sequence[str], fields: Mapping[str, str]) -> None:
        """Create what is missing. Raises ConfigurationError for a field of another type, and when SendGrid refuses one."""
        for name in names:
            if await self.list_id(name) is None:
                await self._create_list(name)
        wanted = {name: kind for name, kind in fields.items() if name not in RESERVED}
        known = await self.definitions() if wanted else {}
        for name, kind in wanted.items():
            there = known.get(name.lower())
            if there is None:
                await self._create_field(name, _FITTING[kind][0])
            elif there.kind not in _FITTING[kind]:
                raise ConfigurationError(
                    f"{self._client.name}: the field {name} is a {there.kind} there and {kind} in the profile model;"
                    " change one of the two"
                )

    # -- lists ------------------------------------------------------------------------------------------------------
    async def list_id(self, name: str) -> str | None:
        """The id of the list of that name, None when there is none. Raises ConfigurationError when there are two."""
        async with self._finding:
            if self._lists is None:
                self._lists = await self._found_lists()
            found = self._lists.get(name)
        if found == "":
            raise ConfigurationError(f"{self._client.name}: two lists are called {name!r}; rename one")
        return found

    async def _found_lists(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for entry in await pages(self._client, LISTS):
            name = str(entry.get("name"))
            found[name] = "" if name in found else str(entry.get("id"))
        return found

    async def needed(self, name: str) -> str:
        """The id of a list that must be there. Raises ConfigurationError."""
        found = await self.list_id(name)
        if found is None:
            raise ConfigurationError(f"{self._client.name}: there is no list called {name!r} any more; run again, which makes it")
        return found

    async def check(self, names: Iterable[str]) -> None:
        """Look the lists up anew. Raises ConfigurationError where one is gone."""
        self._lists = None
        for name in names:
            await self.needed(name)

    async def is_gone(self, name: str) -> bool:
        """Whether the list, looked up anew, is not there."""
        self._lists = None
        return await self.list_id(name) is None

    async def _create_list(self, name: str) -> None:
        try:
            # a second list of the same name would be one too many: not tried again before looking
            answer = await self._client.write("POST", LISTS, LISTS, {"name": name}, again=False)
        except OutcomeUnknown:
            if await self.is_gone(name):
                raise
            return
        if answer.status != 201:
            raise ConfigurationError(f"{self._client.name}: cannot make the list {name!r}: {self._client.detail(answer)}")
        self._lists = None

    # -- fields -----------------------------------------------------------------------------------------------------
    async def definitions(self) -> Mapping[str, Definition]:
        """The account's own fields by their names in lower case: SendGrid tells no two apart by that."""
        async with self._finding:
            if self._fields is None:
                body = document(self._client, f"GET {FIELDS}", await self._client.read(FIELDS, FIELDS))
                entries: list[Mapping[str, Any]] = body.get("custom_fields") or []
                self._fields = {
                    str(one.get("name")).lower(): Definition(str(one.get("id")), str(one.get("field_type"))) for one in entries
                }
            return self._fields

    async def _create_field(self, name: str, kind: str) -> None:
        try:
            answer = await self._client.write("POST", FIELDS, FIELDS, {"name": name, "field_type": kind}, again=False)
        except OutcomeUnknown:
            self._fields = None
            if name.lower() not in await self.definitions():
                raise
            return
        if answer.status >= 300:
            raise ConfigurationError(f"{self._client.name}: cannot make the field {name}: {self._client.detail(answer)}")
        self._fields = None
