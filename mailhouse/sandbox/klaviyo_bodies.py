"""Reads what callers send to Klaviyo: JSON:API documents, refused with a pointer to what is wrong."""

from typing import Any

from mailhouse.sandbox.klaviyo_words import Refused, invalid
from mailhouse.sandbox.wire import BodyNotReadable, Call


def data_of(call: Call, kind: str) -> dict[str, Any]:
    """The `data` of a document of one resource of that type; raises Refused."""
    data = _document(call).get("data")
    check_type(data, kind, "/data")
    if "attributes" in data and not isinstance(data["attributes"], dict):
        raise invalid("/data/attributes", "attributes must be an object.")
    return data


def check_type(data: Any, kind: str, pointer: str) -> None:
    """Raises Refused for anything but a resource of that type."""
    if not isinstance(data, dict):
        raise invalid(pointer, f"A resource object of type '{kind}' is required.")
    if data.get("type") != kind:
        raise invalid(f"{pointer}/type", f"Invalid resource type: the type must be '{kind}'.")


def resources(data: dict[str, Any], path: str, kind: str, *, most: int, least: int = 1) -> list[dict[str, Any]]:
    """The resources of `{"data": [...]}` at a path below /data; raises Refused for none of them or too many."""
    found: Any = data
    for name in path.split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    pointer = f"/data/{path}/data"
    return _checked(found.get("data") if isinstance(found, dict) else None, kind, pointer, most=most, least=least)


def related(data: dict[str, Any], name: str, kind: str) -> list[str]:
    """The ids of a relationship, to one or to many; none where it is absent. Raises Refused."""
    relationship = (data.get("relationships") or {}).get(name)
    if not relationship:
        return []
    found = relationship.get("data")
    found = found if isinstance(found, list) else [] if found is None else [found]
    for at, one in enumerate(found):
        check_type(one, kind, f"/data/relationships/{name}/data/{at}")
        if not isinstance(one.get("id"), str) or not one["id"]:
            raise invalid(f"/data/relationships/{name}/data/{at}/id", "An id is required.")
    return [one["id"] for one in found]


def ids_of(call: Call, kind: str, *, most: int) -> list[str]:
    """The ids of a document of resource identifiers; raises Refused."""
    found = _checked(_document(call).get("data"), kind, "/data", most=most, least=1)
    for at, one in enumerate(found):
        if not isinstance(one.get("id"), str) or not one["id"]:
            raise invalid(f"/data/{at}/id", "An id is required.")
    return [one["id"] for one in found]


def text_of(data: dict[str, Any], name: str, *, required: bool = False) -> str | None:
    """A text among the attributes; raises Refused for another type, or for none where one is required."""
    value = (data.get("attributes") or {}).get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or not value:
        raise invalid(f"/data/attributes/{name}", f"'{name}' is required and must be a string.")
    return value


def _document(call: Call) -> dict[str, Any]:
    try:
        found = call.json()
    except BodyNotReadable as error:
        raise Refused(400, "The body is not valid JSON.") from error
    if not isinstance(found, dict):
        raise invalid("/data", "The body must be a JSON:API document.")
    return found


def _checked(found: Any, kind: str, pointer: str, *, most: int, least: int) -> list[dict[str, Any]]:
    if not isinstance(found, list) or len(found) < least:
        raise invalid(pointer, f"An array of resources of type '{kind}' is required.")
    if len(found) > most:
        raise invalid(pointer, f"The array may hold at most {most} items.")
    for at, one in enumerate(found):
        check_type(one, kind, f"{pointer}/{at}")
    return found
