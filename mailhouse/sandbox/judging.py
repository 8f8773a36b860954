"""A place for a judge of what goes over the wire: somebody else's description of a vendor, held against every exchange.

The sandbox brings no judge of its own. Tests appoint one, for this process or, by name, for a sandbox in another one.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mailhouse.errors import ConfigurationError

VIOLATION = 599
JUDGED = "X-Judged"  # a header of every answer that a judge has seen


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call as it came, and the answer as it would go out; paths are without the vendor's name."""

    vendor: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    status: int
    answer_media: str
    answer: bytes
    answer_is_bent: bool  # by a fault on order, so that it is not to be held against the vendor


# What is wrong with an exchange; nothing is said of one that is in order
Judge = Callable[[Exchange], list[str]]

_appointed: list[Judge] = []


def appoint(judge: Judge | None) -> None:
    """From now on this judge, or none, sees every exchange of every sandbox in this process."""
    _appointed[:] = [] if judge is None else [judge]


def appoint_by_name(name: str) -> None:
    """Appoints `module:callable`; raises ConfigurationError where there is none."""
    module, _, attribute = name.partition(":")
    try:
        appoint(getattr(importlib.import_module(module), attribute))
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"sandbox judge '{name}' cannot be found: name it as module:callable") from error


def verdict(exchange: Exchange) -> str:
    """What the judge objects to, '' for nothing or without a judge."""
    return "\n".join(complaint for judge in _appointed for complaint in judge(exchange))


def is_in_session() -> bool:
    """Whether there is a judge at all."""
    return bool(_appointed)
