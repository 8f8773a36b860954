"""Lists and properties of a HubSpot portal: found by name once, created when missing."""

from collections.abc import Mapping, Sequence
from typing import Any

from mailhouse.destinations.hubspot.paths import CONTACT_TYPE, Paths
from mailhouse.destinations.lists import NamedLists
from mailhouse.errors import ConfigurationError, MalformedAnswer
from mailhouse.http import Answer, HttpClient, OutcomeUnknown

LIST, LIST_NAMED, PROPERTIES = "/lists/{id}", "/lists/name/{name}", "/properties/contacts"
# lists whose members are not the result of a filter
BY_HAND = ("MANUAL", "SNAPSHOT")
# what each of our types is made as, and what it may be kept as
_MADE = {
    "text": ("string", "text"),
    "number": ("number", "number"),
    "date": ("date", "date"),
    "boolean": ("bool", "booleancheckbox"),
}
_FITTING = {
    "text": {"string"},
    "number": {"number", "string"},
    "date": {"date", "string"},
    "boolean": {"bool", "string"},
}
_YES_OR_NO = [
    {"label": "Yes", "value": "true", "displayOrder": 0, "hidden": False},
    {"label": "No", "value": "false", "displayOrder": 1, "hidden": False},
]


class Lists(NamedLists):
    """The portal's lists that are kept by hand; one kept by a filter is refused."""

    def __init__(self, client: HttpClient, paths: Paths) -> None:
        super().__init__(client)
        self._paths = paths

    async def _find(self, names: Sequence[str]) -> Mapping[str, str | None]:
        return {name: await self._one(name) for name in names}

    async def _one(self, name: str) -> str | None:
        answer = await self._client.read(self._paths.list_named(name), LIST_NAMED)
        if answer.status == 404:
            return None
        found = self._list(f"GET {LIST_NAMED}", answer)
        if found.get("processingType") not in BY_HAND:
            raise ConfigurationError(
                f"{self._client.name}: the list {name!r} is kept by a filter of HubSpot's; rename one, or correct `audience`"
            )
        return str(found["listId"])

    async def _make(self, name: str) -> Answer:
        # a second list of the same name would be one too many: not tried again before looking
        body = {"name": name, "objectTypeId": CONTACT_TYPE, "processingType": "MANUAL"}
        return await self._client.write("POST", self._paths.lists, "/lists", body, again=False)

    def _made(self, answer: Answer) -> str:
        return str(self._list("POST /lists", answer)["listId"])

    async def size(self, list_id: str) -> int:
        """How many members HubSpot counts on a list. Raises MalformedAnswer."""
        found = self._list(f"GET {LIST}", await self._client.read(self._paths.list_of(list_id), LIST))
        if not isinstance(found.get("size"), int):
            raise MalformedAnswer(f"{self._client.name}: the size of a list is not there; run again later")
        return int(found["size"])

    def _list(self, endpoint: str, answer: Answer) -> Mapping[str, Any]:
        found = answer.body.get("list") if isinstance(answer.body, Mapping) else None
        if answer.status not in (200, 201) or not isinstance(found, Mapping) or not found.get("listId"):
            raise MalformedAnswer(f"{self._client.name}: {endpoint}: {self._client.detail(answer)}; look there, run again")
        return found


async def prepare_properties(client: HttpClient, paths: Paths, fields: Mapping[str, str]) -> None:
    """Create the properties that contacts lack; `fields` is name -> text | number | date | boolean.

    Raises ConfigurationError for one that has another type or is HubSpot's own, OutcomeUnknown the second time.
    """
    try:
        await _prepare(client, paths, fields)
    except OutcomeUnknown:
        # whether it was made is seen by looking again
        await _prepare(client, paths, fields)


async def _prepare(client: HttpClient, paths: Paths, fields: Mapping[str, str]) -> None:
    if not fields:
        return
    answer = await client.read(paths.properties, PROPERTIES)
    listed = answer.body.get("results") if answer.status == 200 and isinstance(answer.body, Mapping) else None
    if not isinstance(listed, list):
        raise MalformedAnswer(f"{client.name}: GET {PROPERTIES}: {client.detail(answer)}; look there, run again")
    there = {str(one.get("name")): one for one in listed}
    for name, kind in fields.items():
        if name not in there:
            await _create(client, paths, name, kind)
        elif there[name].get("hubspotDefined"):
            raise ConfigurationError(
                f"{client.name}: the property {name} is HubSpot's own; choose one of yours in the profile model"
            )
        elif there[name].get("type") not in _FITTING[kind]:
            raise ConfigurationError(
                f"{client.name}: the property {name} is a {there[name].get('type')} there and {kind} in the profile model;"
                " change one of the two"
            )


async def _create(client: HttpClient, paths: Paths, name: str, kind: str) -> None:
    type_, field_type = _MADE[kind]
    label = name.replace("_", " ").capitalize()
    body = {"name": name, "label": label, "groupName": "contactinformation", "type": type_, "fieldType": field_type}
    body |= {"options": _YES_OR_NO} if kind == "boolean" else {}
    answer = await client.write("POST", paths.properties, PROPERTIES, body)
    # 409: an attempt before this one made it, or somebody else just now; its type is looked at by the next run
    if answer.status not in (200, 201, 409):
        raise ConfigurationError(f"{client.name}: cannot make the property {name}: {client.detail(answer)}")
