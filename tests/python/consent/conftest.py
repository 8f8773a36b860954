"""The decision's SQL as dbt compiles it, random ledgers to run it on, and a small built warehouse with its inbox."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mailhouse.clock import FixedClock
from mailhouse.consent import ConsentAct, Inbox, LastLook, land_inbox
from mailhouse.consent.compiled import STEPS, DecisionSql, decision_sql
from mailhouse.consent.decide import Decider
from mailhouse.settings import Settings, find_project
from mailhouse.warehouse import Warehouse
from tests.python.models import shop_people
from tests.python.models.conftest import NOW as BUILT
from tests.python.models.conftest import Raw
from tests.python.parsed import parsed_project

PROJECT = find_project(Path(__file__).parent)
BUILT_AT = datetime.fromisoformat(BUILT).replace(tzinfo=UTC)
TOLD = BUILT_AT - timedelta(days=1)


@pytest.fixture(scope="session")
def sql(tmp_path_factory: pytest.TempPathFactory) -> DecisionSql:
    """The compiled consent models; nothing is built."""
    settings = Settings(PROJECT, tmp_path_factory.mktemp("compiled"), {})
    assert parsed_project(settings).run(["compile", "--select", *STEPS]).success
    return decision_sql(settings, settings.manifest)


@pytest.fixture
def decider(sql: DecisionSql) -> Iterator[Decider]:
    with Decider(sql) as opened:
        yield opened


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work directory as a run leaves it, of a few people in three systems; the inbox had taken two acts before."""
    raw = Raw(tmp_path_factory.mktemp("built"))
    shop_people.fill(raw)
    settings = Settings(PROJECT, raw.workdir, {})
    said = {"source": "letter", "occurred_at": TOLD}
    acts = [
        ConsentAct("withdraw", address_of(0, str.upper), event_id="landed withdrawal", **said),
        ConsentAct("grant", address_of(4), purpose="marketing_email", proof="double_opt_in", event_id="landed grant", **said),
    ]
    Inbox(settings.inbox_path).record(acts, FixedClock(TOLD))
    with Warehouse(settings).write() as warehouse:
        assert land_inbox(warehouse, settings) == 2
    raw.normalise()
    raw.build("--exclude-resource-type", "test", "--select", "+consent_status")
    shutil.copyfile(settings.warehouse_path, settings.published_path)
    settings.published_target.mkdir()
    shutil.copyfile(settings.manifest, settings.published_target / "manifest.json")
    return raw.workdir


def address_of(number: int, spelt: Any = str) -> str:
    """The address of one of the people, spelt otherwise if need be."""
    return spelt(shop_people.person(number)["email"])


@dataclass(frozen=True)
class Document:
    """What the last look asks about."""

    key: str
    mailbox: str
    needs: Sequence[str] = ("marketing_email",)


@dataclass
class World:
    """A copy of the built work directory, at a clock that stands still an hour after the build."""

    settings: Settings
    warehouse: duckdb.DuckDBPyConnection
    clock: FixedClock = field(default_factory=lambda: FixedClock(BUILT_AT + timedelta(hours=1)))
    consent_max_age: timedelta = timedelta(hours=36)

    @property
    def manifest(self) -> Path:
        return self.settings.manifest

    @property
    def inbox(self) -> Inbox:
        return Inbox(self.settings.inbox_path)

    def record(self, act: str, address: str, **more: Any) -> None:
        said = ConsentAct(act, address, "phone", occurred_at=self.clock.now())  # type: ignore[arg-type]
        self.inbox.record([replace(said, **more)], self.clock)

    def decisions(self) -> Mapping[str, tuple[str, str, str]]:
        """Mailbox -> decision, reason and entry for marketing mail, as the build made them."""
        rows = self.warehouse.execute(
            "select mailbox, decision, reason, event_id from marts.consent_status where purpose = 'marketing_email'"
        ).fetchall()
        return {mailbox: (decision, reason, event_id) for mailbox, decision, reason, event_id in rows}

    def everyone(self) -> list[Document]:
        return [Document(f"key of {mailbox}", mailbox) for mailbox in sorted(self.decisions())]

    def allowed(self) -> list[Document]:
        return [document for document in self.everyone() if self.decisions()[document.mailbox][0] == "allow"]

    def look(self, documents: Sequence[Document] | None = None) -> Mapping[str, str]:
        """Mailbox -> why it is refused, by a last look of its own."""
        asked = documents or self.everyone()
        with LastLook(self) as last_look:
            refused = last_look.look(asked).refused
        return {document.mailbox: refused[document.key] for document in asked if document.key in refused}


@pytest.fixture
def world(built: Path, tmp_path: Path) -> Iterator[World]:
    workdir = tmp_path / "work"
    # nobody writes to the published copy, and it is as large as the warehouse
    shutil.copytree(built, workdir, copy_function=lambda file, to: (os.link if "published" in file else shutil.copy2)(file, to))
    settings = Settings(PROJECT, workdir, {})
    with Warehouse(settings).write() as warehouse:
        yield World(settings, warehouse)
