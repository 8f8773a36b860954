"""What a connection's `settings.events` says of each event: how it is called at the vendor."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection

PAGE = "see docs/events.md"
_NAME = re.compile(r"[a-z][a-z0-9_]*")

# what is wrong with a value, None when nothing is; an absent one is None
Check = Callable[[Any], str | None]


def event_settings(connection: Connection, asked: Mapping[str, Check]) -> dict[str, dict[str, Any]]:
    """Name of the event -> its entry, each with all the asked keys, None where one is absent.

    Raises ConfigurationError naming the event and the key, never the value.
    """
    place = f"connection {connection.id}: settings.events"
    said = connection.settings.get("events") or {}
    if not isinstance(said, Mapping):
        raise ConfigurationError(f"{place} must be names of events, each with {_listed(asked)}; {PAGE}")
    found: dict[str, dict[str, Any]] = {}
    for name, entry in said.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigurationError(f"{place}: {name!r} is no name of an event; use a-z, 0-9 and _, beginning with a letter")
        if not isinstance(entry, Mapping) or set(entry) - set(asked):
            raise ConfigurationError(f"{place}.{name} must be keys and values, of {_listed(asked)}; {PAGE}")
        for key, check in asked.items():
            if trouble := check(entry.get(key)):
                raise ConfigurationError(f"{place}.{name}.{key}: {trouble}; {PAGE}")
        found[name] = {key: entry.get(key) for key in asked}
    return found


def _listed(asked: Mapping[str, Check]) -> str:
    return ", ".join(asked)


def positive(what: str) -> Check:
    """The value must be a whole number from 1."""

    def check(value: Any) -> str | None:
        whole = isinstance(value, int) and not isinstance(value, bool) and value > 0
        return None if whole else f"must be {what}, a whole number"

    return check


def text(what: str, most: int) -> Check:
    """The value must be printable text of 1 to so many characters, without spaces around it."""

    def check(value: Any) -> str | None:
        fits = isinstance(value, str) and 0 < len(value) <= most and value.isprintable() and value == value.strip()
        return None if fits else f"must be {what}, 1 to {most} characters"

    return check


def matching(pattern: str, what: str) -> Check:
    """The value must be text that fits the pattern."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and compiled.fullmatch(value) else f"must be {what}"

    return check


def optional(check: Check) -> Check:
    """The value may also be absent."""
    return lambda value: None if value is None else check(value)
