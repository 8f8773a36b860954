"""A Klaviyo sandbox on the loopback whose seconds are the client's own, for the tests of what speaks to ESPs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest

from mailhouse.clock import FixedClock
from mailhouse.destinations import Call, Change
from mailhouse.destinations.keys import key_of, normal
from mailhouse.destinations.klaviyo.account import connect
from mailhouse.sandbox.klaviyo_lists import FLOW, flow_row
from mailhouse.sandbox.klaviyo_members import LIST, lists_of
from mailhouse.sandbox.klaviyo_profiles import PROFILE
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.store import stamp
from mailhouse.settings import Connection
from tests.python.serving import Serving

NOW = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
Result = TypeVar("Result")


class SharedClock(FixedClock):
    """Simulated time that passes for the client and for the sandbox's limits and jobs alike."""

    def __init__(self, now: datetime, runtime: Runtime) -> None:
        super().__init__(now)
        self._ticks = runtime.ticks
        self._ticks.move(0)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._ticks.move(max(0.0, seconds))


class Vendor:
    """The sandbox, looked at from behind."""

    name, opens = "klaviyo", staticmethod(connect)

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        runtime = Runtime(directory)
        runtime.store.set_now(NOW)
        runtime.close()
        self.runtime = Runtime(directory)
        self.store = self.runtime.store
        self.clock = SharedClock(NOW, self.runtime)
        self._serving = Serving(self.runtime)
        self.url = self._serving.url

    def close(self) -> None:
        self._serving.close()

    def empty(self) -> None:
        """An account of which nothing is known, at the first moment."""
        self.runtime.limits.use("generous")
        self.runtime.settle()
        with self.store.transaction() as state:
            state.execute("delete from object")
            state.execute("delete from list_member")
        self.runtime.faults.replace([])
        self.runtime.calls.clear()
        # what an earlier test's client learnt of the account belongs to that test's time
        self.clock = SharedClock(NOW, self.runtime)

    def connection(self, **limits: Any) -> Connection:
        secrets = {"api_key": self.runtime.secrets[self.name]["api_key"]}
        settings = {"limits": {"timeout": 10.0, **limits}}
        return Connection(self.name, self.name, f"{self.url}/{self.name}", settings, {"api_key": "TEST_ESP_KEY"}, secrets)

    def ask(self, asked: Callable[[Any], Awaitable[Result]], **limits: Any) -> Result:
        """Open the account, let it be asked, close it."""

        async def run() -> Result:
            async with self.opens(self.connection(**limits), self.clock) as account:
                return await asked(account)

        return asyncio.run(run())

    def writes(self) -> dict[str, int]:
        """Write calls since the last look by `METHOD path`; the counter is then zero again."""
        found = {f"{one['method']} {one['path']}": one["calls"] for one in self.runtime.calls.as_json()["calls"] if one["writes"]}
        self.runtime.calls.clear()
        return found

    def profile(self, address: str) -> dict[str, Any] | None:
        self.runtime.settle()
        rows = self.store.search(PROFILE, "email = ?", [normal(address)], ordering="id", limit=2)
        assert len(rows) < 2
        return rows[0].body | {"id": rows[0].id} if rows else None

    def lists(self, address: str) -> set[str]:
        """Names of the lists that a person is on."""
        profile = self.profile(address)
        ids = lists_of(self.store, profile["id"]) if profile else []
        return {self.store.get(LIST, one).body["name"] for one in ids}

    def list_id(self, name: str) -> str:
        (row,) = self.store.search(LIST, "json_extract(body, '$.name') = ?", [name], ordering="id", limit=2)
        return row.id

    def add_flow(self, identifier: str, name: str, list_name: str, status: str = "live") -> None:
        self.store.put(FLOW, flow_row(identifier, name, stamp(NOW), self.list_id(list_name), status))

    def remove_profile(self, address: str) -> None:
        self.store.delete(PROFILE, self.profile(address)["id"])


def change(name: str, fields: Mapping[str, Any] | None = None, **more: Any) -> Change:
    """What one person, whose address is made of the name, owes the account."""
    address = name if "@" in name else f"{name}@example.test"
    text = orjson.dumps(dict(fields or {}), option=orjson.OPT_SORT_KEYS).decode()
    given = {"write": True, **more}
    return Change("klaviyo", "", key_of(address), f"c-{name}", address, normal(address), text, "h", **given)


def write(*changes: Change, onto: str = "") -> Call:
    return Call("write", "", onto, tuple(sorted(changes, key=lambda one: one.key)))


def join(onto: str, *changes: Change) -> Call:
    return Call("join", "", onto, changes)


def leave(off: str, *changes: Change) -> Call:
    return Call("leave", "", off, changes)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    made = Vendor(tmp_path_factory.mktemp("klaviyo") / "sandbox")
    yield made
    made.close()


@pytest.fixture
def vendor(served: Vendor) -> Vendor:
    """The sandbox with nobody in it."""
    served.empty()
    return served
