"""Lists and fields of a SendGrid account: found by name once, created when missing."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from mailhouse.destinations.lists import NamedLists
from mailhouse.destinations.sendgrid.limits import FIELDS, LISTS
from mailhouse.destinations.sendgrid.reading import document, pages
from mailhouse.destinations.sendgrid.wire import RESERVED, Definition
from mailhouse.errors import ConfigurationError, MalformedAnswer
from mailhouse.http import Answer, HttpClient, OutcomeUnknown

# what each of our types may be kept as; the first is what a new field is made as
_FITTING = {"text": ("Text",), "number": ("Number", "Text"), "date": ("Date", "Text"), "boolean": ("Text",)}


class Lists(NamedLists):
    """The account's lists."""

    async def _find(self, names: Sequence[str]) -> Mapping[str, str | None]:
        # all of them are listed, so whoever is asked for next is known already
        found: dict[str, str | None] = dict.fromkeys(names)
        twice: set[str] = set()
        for entry in await pages(self._client, LISTS):
            name = str(entry.get("name"))
            twice |= {name} if found.get(name) else set()
            found[name] = str(entry.get("id"))
        if wrong := sorted(twice & set(names)):
            raise ConfigurationError(f"{self._client.name}: two lists are called {wrong[0]!r}; rename one")
        return {name: list_id for name, list_id in found.items() if name not in twice}

    async def _make(self, name: str) -> Answer:
        # a second list of the same name would be one too many: not tried again before looking
        return await self._client.write("POST", LISTS, LISTS, {"name": name}, again=False)

    def _made(self, answer: Answer) -> str:
        list_id = document(self._client, f"POST {LISTS}", answer).get("id")
        if not list_id:
            raise MalformedAnswer(f"{self._client.name}: POST {LISTS}: a list without an id in the answer; run again")
        return str(list_id)


class Fields:
    """Remembers for one run which field has which id."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._fields: dict[str, Definition] | None = None
        # calls run side by side, and each wants the same listing first
        self._finding = asyncio.Lock()

    async def prepare(self, fields: Mapping[str, str]) -> None:
        """Create what is missing. Raises ConfigurationError for a field of another type, and when SendGrid refuses one."""
        wanted = {name: kind for name, kind in fields.items() if name not in RESERVED}
        known = await self.definitions() if wanted else {}
        for name, kind in wanted.items():
            there = known.get(name.lower())
            if there is None:
                await self._create(name, _FITTING[kind][0])
            elif there.kind not in _FITTING[kind]:
                raise ConfigurationError(
                    f"{self._client.name}: the field {name} is a {there.kind} there and {kind} in the profile model;"
                    " change one of the two"
                )

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

    async def _create(self, name: str, kind: str) -> None:
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
