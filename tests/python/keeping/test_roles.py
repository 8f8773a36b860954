"""Who may what on Snowflake, what its queries are called, and how its tables are kept; no account is asked."""

import json
import re
from pathlib import Path

import pytest

from mailhouse.settings import load_settings
from tests.python.keeping.conftest import ROOT
from tests.python.parsed import parsed_project

ROLES = {"transformer", "mailhouse_editor", "mailhouse_approver", "mailhouse_viewer"}
GRANTED = re.compile(
    r"grant (?P<what>usage|all|create schema|select|role \w+)"
    r"(?: on (?:(?:all|future) (?:tables|views) in )?(?P<kind>warehouse|database|schema) (?P<where>[\w.]+))?"
    r" to role (?P<role>\w+)"
)


@pytest.fixture(scope="module")
def grants(said_on_snowflake: list[str]) -> list[dict[str, str]]:
    """Each grant in order: what, on which kind of thing, where, to which role."""
    found = [one for one in json.loads(said_on_snowflake[4]) if not one.startswith("create ")]
    return [GRANTED.fullmatch(one).groupdict() for one in found]


def test_each_role_reads_what_it_is_for_and_nothing_else(grants: list[dict[str, str]]) -> None:
    reads = {
        role: {one["where"].split(".")[1] for one in grants if one["what"] == "select" and one["role"] == role} for role in ROLES
    }
    assert reads == {
        "transformer": set(),
        "mailhouse_viewer": {"marts", "profiles", "segments"},
        "mailhouse_editor": {"staging", "intermediate", "quality"},
        "mailhouse_approver": {"reverse_sync"},
    }
    assert {one["what"] for one in grants if one["role"] in ("mailhouse_viewer", "mailhouse_approver")} == {
        "usage", "select", "role mailhouse_viewer"
    }  # fmt: skip
    assert {one["role"] for one in grants if one["what"] == "all"} == {"transformer"}
    assert {one["role"] for one in grants} == ROLES


def test_what_is_built_later_is_granted_ahead(said_on_snowflake: list[str]) -> None:
    made = json.loads(said_on_snowflake[4])
    for schema in ("marts", "staging", "reverse_sync"):
        ahead = [one for one in made if " on future " in one and f"warehouse.{schema} " in one]
        assert len(ahead) == 2
        assert made.index(f"create schema if not exists warehouse.{schema}") < made.index(ahead[0])


def test_a_tag_names_the_node_and_the_run(said_on_snowflake: list[str]) -> None:
    tag = json.loads(said_on_snowflake[5])
    assert tag["app"] == "mailhouse" and tag["node"] and re.fullmatch(r"[0-9a-f-]{36}", tag["run"])
    assert "'" not in said_on_snowflake[5]


def test_only_what_remembers_itself_is_kept_safe_and_large_models_are_clustered(tmp_path: Path) -> None:
    nodes = parsed_project(load_settings(tmp_path, project=ROOT)).manifest.nodes.values()
    models = [node for node in nodes if node.resource_type == "model"]
    remembering = {model.name for model in models if "remembers" in model.raw_code}
    assert {model.name for model in models if not model.config.get("transient")} == remembering
    incremental = {model.name for model in models if model.config.materialized == "incremental"}
    assert {model.name for model in models if model.config.get("cluster_by")} == incremental
