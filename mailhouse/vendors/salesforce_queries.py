"""SOQL as our clients write it, and the version of the API that they speak."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from mailhouse.errors import MalformedAnswer

API_VERSION = "67.0"  # a connection may name another under `settings: {api_version: …}`


def in_list(values: Iterable[str]) -> str:
    """Values for `IN`, quoted so that none of them can end the text."""
    return "(" + ", ".join("'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" for value in values) + ")"


def moment(name: str, value: Any) -> datetime:
    """A moment of an answer, with its zone. Raises MalformedAnswer, naming the connection, when it is none."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise MalformedAnswer(
            f"connection {name}: a record without a readable time; nothing of it was taken, see whether the vendor's API changed"
        ) from error
