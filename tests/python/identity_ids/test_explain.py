"""`mailhouse identity explain` on a build of nine records: who is one by what evidence, and why others are two."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mailhouse.cli import main
from mailhouse.consent.compiled import DecisionSql
from mailhouse.settings import Settings
from tests.python.identity_ids.conftest import Builds

# a, b, c, d: Ann by vendor, mailbox and phone; e, f: taken apart by hand; g, h: behind one family's mailbox; i: scored
PEOPLE = [{"record_number": number, "record_key": f"crm/contact/{key}"} for number, key in enumerate("abcdefghi", 1)]
DRAWN = [
    {"record_number": 2, "other_number": 1, "reason": "mailbox"},
    {"record_number": 2, "other_number": 1, "reason": "email and name"},
    {"record_number": 3, "other_number": 2, "reason": "vendor"},
    {"record_number": 4, "other_number": 3, "reason": "phone and name"},
    {"record_number": 6, "other_number": 5, "reason": "email and name"},
    {"record_number": 8, "other_number": 4, "reason": "mailbox"},
    {"record_number": 9, "other_number": 7, "reason": "score"},
]
UNCHAINED = [edge for edge in DRAWN if edge["record_number"] != 8]
SCORED = {
    "resource_type": "model",
    "name": "int_identity_pairs_scored",
    "schema": "intermediate",
    "alias": "int_identity_pairs_scored",
}
POINTS = {
    "a": "ann@x.example",
    "b": "ann@x.example",
    "e": "sam@x.example",
    "f": "sam@x.example",
    "g": "family@x.example",
    "h": "family@x.example",
}
CANNOT = ("crm/contact/e", "crm/contact/f")


@pytest.fixture(scope="module")
def published(identity_sql: DecisionSql, identity_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work directory with the published copy of such a build."""
    workdir = tmp_path_factory.mktemp("explained")
    settings = Settings(identity_settings.project, workdir, {})
    settings.published_target.mkdir()
    manifest = json.loads(identity_settings.manifest.read_text())
    manifest["nodes"]["model.mailhouse.int_identity_pairs_scored"] = SCORED
    (settings.published_target / "manifest.json").write_text(json.dumps(manifest))
    points = [
        {"record_key": f"crm/contact/{key}", "kind": "email", "value": value.title(), "wide_value": value, "is_valid": True}
        for key, value in POINTS.items()
    ]
    given: dict[str, list[dict[str, Any]]] = {
        "int_people_united": PEOPLE,
        "int_identity_edges_drawn": DRAWN,
        "int_identity_edges_unchained": UNCHAINED,
        "int_contact_points_united": points,
        "identity_cannot_link": [dict(zip(("record_key", "other_record_key"), CANNOT, strict=True))],
    }
    with Builds(identity_sql) as builds:
        builds.build(given, datetime(2026, 7, 1))
        builds.connection.execute("use warehouse.intermediate")
        builds.connection.execute(
            "create table int_mailboxes_judged as select 'family@x.example' as email, 7 as count_records, true as is_shared"
        )
        builds.connection.execute(
            "create or replace table identity_cannot_link as select *, 'father and son' as reason, 'dana' as decided_by,"
            " timestamp '2026-06-30' as decided_at from identity_cannot_link"
        )
        builds.connection.execute(
            "create or replace table int_identity_pairs_scored as select 9 as record_number, 7 as other_number,"
            " 14.25 as match_weight, 0.99995 as match_probability"
        )
        builds.connection.execute(f"attach '{settings.published_path}' as copied")
        builds.connection.execute("copy from database warehouse to copied")
        builds.connection.execute("detach copied")
    return workdir


def explain(published: Path, one: str, other: str) -> dict[str, Any]:
    told = CliRunner().invoke(main, ["--workdir", str(published), "identity", "explain", one, other, "--json"])
    assert told.exit_code == 0, told.output
    return json.loads(told.output)


def test_the_shortest_way_of_evidence_is_shown_with_its_surest_reasons(published: Path) -> None:
    found = explain(published, "crm/contact/a", "crm/contact/d")
    assert found["is_one"] and found["reasons"] == []
    assert [(hop["record_key"][-1], hop["other_record_key"][-1], hop["reason"]) for hop in found["path"]] == [
        ("a", "b", "email and name"),
        ("b", "c", "vendor"),
        ("c", "d", "phone and name"),
    ]
    assert found["path"][0]["values"] == ["ann@x.example"]
    assert found["customers"][0] == found["customers"][1]


def test_a_score_is_shown_with_its_weight(published: Path) -> None:
    (hop,) = explain(published, "crm/contact/g", "crm/contact/i")["path"]
    assert (hop["reason"], hop["weight"]) == ("score", 14.25)
    told = CliRunner().invoke(main, ["--workdir", str(published), "identity", "explain", "crm/contact/g", "crm/contact/i"])
    assert "14.2" in told.output


def test_an_address_stands_for_the_nearest_of_its_records(published: Path) -> None:
    found = explain(published, "crm/contact/d", "ANN@x.example")
    assert found["records"] == ["crm/contact/d", "crm/contact/b"]
    assert len(found["path"]) == 2


def test_what_somebody_decided_is_said_with_who_when_and_why(published: Path) -> None:
    found = explain(published, "crm/contact/f", "crm/contact/e")
    assert not found["is_one"] and len(set(found["customers"])) == 2
    decided = "dana decided on 2026-06-30 that crm/contact/e and crm/contact/f are not one person: father and son"
    assert found["reasons"] == [decided, "on the other side of a decision that two records are not one person"]
    assert [(hop["reason"], hop["is_kept"]) for hop in found["path"]] == [("email and name", False)]


def test_evidence_that_was_taken_away_is_shown_with_what_took_it(published: Path) -> None:
    found = explain(published, "crm/contact/h", "crm/contact/c")
    assert not found["is_one"]
    assert [(hop["reason"], hop["is_kept"]) for hop in found["path"]] == [("mailbox", False), ("phone and name", True)]
    assert found["reasons"] == ["clearly different people in one cluster: a mailbox alone joins nobody there"]


def test_a_shared_mailbox_and_no_evidence_at_all_are_told_apart(published: Path) -> None:
    shared = explain(published, "crm/contact/g", "crm/contact/h")
    assert shared["reasons"] == ["family@x.example is a shared mailbox (7 records): there only the same full name joins"]
    assert explain(published, "crm/contact/a", "crm/contact/e")["reasons"] == ["no evidence leads from one to the other"]


def test_the_terminal_says_it_in_sentences_and_a_table(published: Path) -> None:
    told = CliRunner().invoke(main, ["--workdir", str(published), "identity", "explain", "crm/contact/a", "crm/contact/b"])
    assert told.exit_code == 0 and "One customer" in told.output and "email and name" in told.output
    apart = CliRunner().invoke(main, ["--workdir", str(published), "identity", "explain", "crm/contact/e", "crm/contact/f"])
    assert apart.exit_code == 0 and "Two customers" in apart.output and "father and son" in apart.output


def test_a_name_that_nobody_has_is_refused_without_repeating_it(published: Path) -> None:
    told = CliRunner().invoke(main, ["--workdir", str(published), "identity", "explain", "crm/contact/a", "who@x.example"])
    assert told.exit_code == 1 and "no record has this key or address" in told.output and "who@" not in told.output
