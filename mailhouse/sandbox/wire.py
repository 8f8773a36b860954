"""What goes over the wire: one call to a vendor, the vendor's reply, and the routes between them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import orjson

if TYPE_CHECKING:
    from mailhouse.sandbox.runtime import Runtime


class BodyNotReadable(Exception):
    """The body of a call is not JSON; answered in the vendor's own words, never seen by a user."""


@dataclass(slots=True)
class Call:
    """One request, read to its end; header names are lower case."""

    runtime: "Runtime"
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base_url: str
    template: str = ""
    operation: str = ""
    connections: int = 0
    request_id: str = ""
    tick: float = 0.0  # when it came, on the scale of the ticks
    refused_rows: frozenset[str] = frozenset()  # addresses that a fault on order refuses, in lower case
    params: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body as JSON; raises BodyNotReadable."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise BodyNotReadable(str(error)) from error


@dataclass(slots=True)
class Reply:
    """What the vendor answers; `body` is JSON unless it is bytes, `rows` is what the call counter adds up."""

    status: int = 200
    body: Any = None
    rows: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"
    file: Path | None = None

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else orjson.dumps(self.body)


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """A path template with `{names}`; `writes` tells whether a call changes the vendor's data."""

    method: str
    template: str
    handler: Handler
    writes: bool = False

    def pattern(self) -> re.Pattern[str]:
        return re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template) + "$")


class Vendor(Protocol):
    """One vendor's manners: its routes, and its own words for what goes wrong."""

    name: str
    routes: list[Route]

    def describe(self, call: Call) -> tuple[str, bool | None]:
        """The operation within the path ('' where the path says it all), and whether it writes (None: as the route says)."""

    def authenticate(self, call: Call) -> Reply | None:
        """The refusal of a call without valid credentials."""

    def admit(self, call: Call) -> Reply | None:
        """The refusal of a call beyond the vendor's limits."""

    def stamp(self, call: Call, reply: Reply) -> None:
        """Adds the headers that every reply of the vendor has."""

    def refuse(self, status: int) -> Reply:
        """The vendor's own shape of 400, 404, 405, 429 and 500."""


class Routes:
    """Finds the route of a call; the first that fits wins."""

    def __init__(self, routes: list[Route]) -> None:
        self._compiled = [(route, route.pattern()) for route in routes]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | int:
        """The route and its parameters, else 405 when only the method is wrong, else 404."""
        known = False
        for route, pattern in self._compiled:
            match = pattern.match(path)
            if match and route.method == method:
                return route, match.groupdict()
            known = known or match is not None
        return 405 if known else 404
