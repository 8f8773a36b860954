"""Lists, tags and merge fields of a Mailchimp account: found by name once, created when missing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailhouse.destinations.mailchimp.wire import PAGE
from mailhouse.errors import ConfigurationError, MalformedAnswer
from mailhouse.http import HttpClient, OutcomeUnknown

# what each of our types may be kept as: text goes into every field that keeps text
_FITTING = {
    "text": {"text", "dropdown", "radio", "url", "imageurl", "phone", "zip"},
    "number": {"number", "text"},
    "date": {"date", "text"},
}


@dataclass(frozen=True)
class List:
    """A list as the account knows it."""

    id: str
    name: str
    double_optin: bool


class Lists:
    """Remembers for one run which list, segment and field has which id."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._known: dict[str, List] = {}
        self._known_twice: set[str] = set()
        self._segments: dict[str, dict[str, int]] = {}
        # calls run side by side, and each wants the same listings first
        self._finding_lists, self._finding_segments = asyncio.Lock(), asyncio.Lock()

    async def known(self, audience: str) -> List:
        """The list of that name. Raises ConfigurationError when the account has none, or two."""
        async with self._finding_lists:
            if not self._known:
                await self._find_lists()
        if audience not in self._known:
            names = ", ".join(sorted(self._known)) or "none"
            raise ConfigurationError(
                f"{self._client.name}: there is no list called {audience!r}; there are: {names}. Make it, or correct `audience`"
            )
        if audience in self._known_twice:
            raise ConfigurationError(f"{self._client.name}: two lists are called {audience!r}; rename one")
        return self._known[audience]

    async def names(self) -> list[str]:
        """The names of the account's lists, in the order of the alphabet."""
        async with self._finding_lists:
            if not self._known:
                await self._find_lists()
        return sorted(self._known)

    async def _find_lists(self) -> None:
        params = {"fields": "lists.id,lists.name,lists.double_optin,total_items"}
        for entry in await self.pages("/lists", "/lists", "lists", params):
            if entry["name"] in self._known:
                self._known_twice.add(entry["name"])
            self._known[entry["name"]] = List(entry["id"], entry["name"], bool(entry.get("double_optin")))

    async def segment(self, audience: str, tag: str) -> int | None:
        """The id of the static segment that is the tag, None when the list has no such tag."""
        known = await self.known(audience)
        async with self._finding_segments:
            if audience not in self._segments:
                params = {"type": "static", "fields": "segments.id,segments.name,total_items"}
                found = await self.pages(f"/lists/{known.id}/segments", "/lists/{id}/segments", "segments", params)
                self._segments[audience] = {entry["name"].casefold(): int(entry["id"]) for entry in found}
        return self._segments[audience].get(tag.casefold())

    async def prepare(self, audience: str, tags: Sequence[str], fields: Mapping[str, str]) -> None:
        """Create what is missing. Raises ConfigurationError for a field of another type, OutcomeUnknown the second time."""
        try:
            await self._prepare(audience, tags, fields)
        except OutcomeUnknown:
            # whether it was made is seen by looking again
            self._segments.pop(audience, None)
            await self._prepare(audience, tags, fields)

    async def _prepare(self, audience: str, tags: Sequence[str], fields: Mapping[str, str]) -> None:
        known = await self.known(audience)
        for tag in tags:
            if await self.segment(audience, tag) is None:
                path, body = f"/lists/{known.id}/segments", {"name": tag, "static_segment": []}
                made = await self._create(path, "/lists/{id}/segments", body, f"the tag {tag!r} of {audience}")
                self._segments[audience][tag.casefold()] = int(made["id"])
        path, template = f"/lists/{known.id}/merge-fields", "/lists/{id}/merge-fields"
        params = {"fields": "merge_fields.tag,merge_fields.type,total_items"}
        there = {entry["tag"]: entry["type"] for entry in await self.pages(path, template, "merge_fields", params)}
        for name, kind in fields.items():
            if name not in there:
                body = {"tag": name, "name": name, "type": kind, "required": False, "public": False}
                await self._create(path, template, body, f"the merge field {name} of {audience}")
            elif there[name] not in _FITTING[kind]:
                raise ConfigurationError(
                    f"{self._client.name}: the merge field {name} of {audience} is a {there[name]} there and {kind} in the"
                    " profile model; change one of the two"
                )

    async def _create(self, path: str, template: str, body: Mapping[str, Any], what: str) -> Mapping[str, Any]:
        answer = await self._client.write("POST", path, template, body)
        if answer.status not in (200, 201) or not isinstance(answer.body, Mapping):
            raise ConfigurationError(f"{self._client.name}: cannot make {what}: {self._client.detail(answer)}")
        return answer.body

    async def pages(self, path: str, template: str, key: str, params: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """Everything a paged resource lists. Raises MalformedAnswer when a page is not what it should be."""
        rows: list[Mapping[str, Any]] = []
        while True:
            answer = await self._client.read(path, template, {**params, "count": PAGE, "offset": len(rows)})
            page = answer.body.get(key) if answer.status == 200 and isinstance(answer.body, Mapping) else None
            if not isinstance(page, list):
                said = self._client.detail(answer)
                raise MalformedAnswer(f"{self._client.name}: GET {template}: no {key} in the answer: {said}; run again later")
            rows.extend(page)
            if len(page) < PAGE:
                return rows
