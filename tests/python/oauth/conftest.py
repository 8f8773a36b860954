"""A sandbox's HubSpot that grants access, and a user who says yes or no in a browser of their own."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from mailhouse.oauth import tokens
from mailhouse.oauth.store import Grant, Grants, new_key
from mailhouse.sandbox.runtime import Runtime
from mailhouse.settings import Connection
from tests.python.serving import Serving

NOW = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
SECRETS = {"token": "oauth", "client_id": "TEST_CLIENT_ID", "client_secret": "TEST_CLIENT_SECRET"}


class Portal:
    """The vendor, from in front and from behind."""

    def __init__(self, folder: Path) -> None:
        self.workdir = folder / "work"
        runtime = Runtime(folder / "sandbox")
        runtime.store.set_now(NOW)
        runtime.close()
        self.runtime = Runtime(folder / "sandbox")
        self.serving = Serving(self.runtime)

    def connection(self, **oauth: Any) -> Connection:
        own = {name: value for name, value in self.runtime.secrets["hubspot"].items() if name != "token"}
        url = f"{self.serving.url}/hubspot"
        settings = {"oauth": oauth} if oauth else {}
        return Connection("hubspot", "hubspot", url, settings, SECRETS, own, lives_in_sandbox=True, workdir=self.workdir)

    def asked(self, ends_with: str) -> int:
        """How often a path was called."""
        return sum(one["calls"] for one in self.runtime.calls.as_json()["calls"] if one["path"].endswith(ends_with))

    def accepts(self, token: str) -> bool:
        """Whether a call with this access token is let in."""
        url = f"{self.serving.url}/hubspot/crm/objects/2026-03/contacts"
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=120).status_code == 200

    def grants(self) -> Grants:
        return Grants(self.workdir)

    def end(self, connection: Connection) -> Grant:
        """Let the access token that is kept have ended."""
        grant = self.grants().get(connection.id)
        assert grant is not None
        ended = replace(grant, ends_at=(datetime.now(UTC) - timedelta(hours=1)).isoformat())
        self.grants().save(connection.id, ended)
        tokens.forget(connection)
        return ended


def user(**changed: str) -> Callable[[str], None]:
    """A browser in which the user says yes at once; `changed` is what is made of the vendor's answer on the way."""

    def browse(address: str) -> None:
        def go() -> None:
            with requests.Session() as session:
                session.trust_env = False
                page = session.get(address, allow_redirects=False, timeout=120)
                back, _, query = page.headers["Location"].partition("?")
                said = dict(part.split("=", 1) for part in query.split("&")) | changed
                session.get(back, params={name: value for name, value in said.items() if value}, timeout=120)

        threading.Thread(target=go, daemon=True).start()

    return browse


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    monkeypatch.setenv("MAILHOUSE_TOKEN_KEY", new_key())
    made = Portal(tmp_path)
    yield made
    made.serving.close()
