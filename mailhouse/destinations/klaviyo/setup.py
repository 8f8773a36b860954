"""Lists of a Klaviyo account: found by name once, created when missing, and the flows that joining one starts."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from mailhouse.destinations.klaviyo import wire
from mailhouse.destinations.klaviyo.limits import LIST_PAGE
from mailhouse.destinations.klaviyo.reading import document, pages
from mailhouse.destinations.lists import NamedLists
from mailhouse.errors import ConfigurationError, MalformedAnswer
from mailhouse.http import Answer

LISTS = "/api/lists"


class Lists(NamedLists):
    """The account's lists, and what joining one starts."""

    async def _find(self, names: Sequence[str]) -> Mapping[str, str | None]:
        found: dict[str, str | None] = dict.fromkeys(names)
        for start in range(0, len(names), LIST_PAGE):
            asked = wire.any_of("name", names[start : start + LIST_PAGE])
            params = {"filter": asked, "fields[list]": "name", "page[size]": LIST_PAGE}
            for entry in await pages(self._client, LISTS, LISTS, params):
                name = str((entry.get("attributes") or {}).get("name"))
                if found.get(name):
                    raise ConfigurationError(f"{self._client.name}: two lists are called {name!r}; rename one")
                found[name] = str(entry["id"])
        return found

    async def _make(self, name: str) -> Answer:
        # a second list of the same name would be one too many: not tried again before looking
        body = {"data": {"type": "list", "attributes": {"name": name}}}
        return await self._client.write("POST", LISTS, LISTS, body, again=False)

    def _made(self, answer: Answer) -> str:
        data = document(self._client, f"POST {LISTS}", answer)["data"]
        if not isinstance(data, Mapping) or not data.get("id"):
            raise MalformedAnswer(f"{self._client.name}: POST {LISTS}: a list without an id in the answer; run again")
        return str(data["id"])

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
