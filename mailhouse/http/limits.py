"""What one vendor allows, as data, and what connections.yml may change of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection

# `withdrawal` is a no that is carried to a vendor, `reading` is ingestion, everything else is `ordinary`
Lane = Literal["ordinary", "withdrawal", "reading"]

_ENDPOINT = re.compile(r"(GET|POST|PUT|PATCH|DELETE) /\S*")
_WHOLE = {"connections", "attempts", "burst", "calls_per_day", "failures_to_open"}
_NUMBERS = {*_WHOLE, "timeout", "settle_time", "settle_pause", "rate", "longest_wait", "open_seconds", "job_seconds"}


@dataclass(frozen=True)
class Quota:
    """What one endpoint allows: so many calls in any second, any minute, any day; None: no such limit."""

    per_second: int | None = None
    per_minute: int | None = None
    per_day: int | None = None


@dataclass(frozen=True)
class Limits:
    """What one vendor allows, per account: simultaneous connections, calls a second (None: no such limit) with a burst.

    Times are seconds. `longest_wait` bounds a Retry-After that asks for more; such a call is given up and owed to the next run.
    `endpoints` are limits of single endpoints by "METHOD template", besides those of the account. `reserved_connections` and
    `reserved_share` of every rate are kept free for withdrawals. After `failures_to_open` failed calls in a row nothing is
    asked for `open_seconds`. `calls_per_day` is a budget of our own, over UTC days. A job of the vendor's is waited for
    `job_seconds`; statistics may lag by `settle_time` and are asked for every `settle_pause`.
    A 403 that has no body, or whose body holds the `throttle_word`, asks us to slow down where a vendor says it so.
    """

    connections: int
    rate: float | None = None
    burst: int = 1
    timeout: float = 120.0
    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 300.0
    bodyless_403_is_throttle: bool = False
    throttle_word: str = ""
    settle_time: float = 60.0
    settle_pause: float = 5.0
    job_seconds: float = 3600.0
    endpoints: Mapping[str, Quota] = field(default_factory=dict, hash=False)
    reserved_connections: int = 0
    reserved_share: float = 0.0
    failures_to_open: int = 10
    open_seconds: float = 30.0
    calls_per_day: int | None = None


def limits_of(connection: Connection, known: Limits) -> Limits:
    """A vendor's limits with what the connection's `settings.limits` changes of them. Raises ConfigurationError."""
    said = connection.settings.get("limits") or {}
    place = f"connection {connection.id}: settings.limits"
    if not isinstance(said, Mapping):
        raise ConfigurationError(f"{place} must be keys and numbers; see docs/limits-and-budgets.md")
    changed: dict[str, Any] = {}
    for key, value in said.items():
        if key == "endpoints":
            changed[key] = _endpoints(f"{place}.endpoints", value, known.endpoints)
        elif key not in _NUMBERS or not _positive(value):
            raise ConfigurationError(f"{place}.{key}: positive numbers for {', '.join(sorted(_NUMBERS))}, or endpoints")
        else:
            changed[key] = int(value) if key in _WHOLE else float(value)
    limits = replace(known, **changed)
    # one connection alone cannot be kept free for anybody
    return replace(limits, reserved_connections=min(limits.reserved_connections, limits.connections - 1))


def _endpoints(place: str, said: Any, known: Mapping[str, Quota]) -> Mapping[str, Quota]:
    if said is False:
        return {}
    if not isinstance(said, Mapping):
        raise ConfigurationError(f"{place}: `false` for no limits, or `POST /api/things: {{per_second: 10, per_minute: 150}}`")
    windows = {one.name for one in fields(Quota)}
    changed = dict(known)
    for endpoint, quota in said.items():
        if not isinstance(endpoint, str) or not _ENDPOINT.fullmatch(endpoint):
            raise ConfigurationError(f"{place}: {endpoint!r} is no endpoint; write it as `POST /api/things/{{id}}`")
        if not isinstance(quota, Mapping) or set(quota) - windows or not all(_positive(n) for n in quota.values()):
            raise ConfigurationError(f"{place}.{endpoint}: positive numbers for {', '.join(sorted(windows))}")
        changed[endpoint] = Quota(**{name: int(calls) for name, calls in quota.items()})
    return changed


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
