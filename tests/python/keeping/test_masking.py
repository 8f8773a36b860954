"""The statements that mask personal columns on Snowflake, as they would be run there; no account is asked."""

import json

import sqlglot

from mailhouse.pii import KINDS
from tests.python.keeping.conftest import ROOT


def statements(text: str) -> list[str]:
    return [one.strip() for one in text.split(";") if one.strip()]


def test_every_schema_is_masked_before_anything_is_in_it(said_on_snowflake: list[str]) -> None:
    setup = json.loads(said_on_snowflake[0])
    tagged = {
        one.split(" set tag ")[0].removeprefix("alter schema warehouse.") for one in setup if one.startswith("alter schema")
    }
    assert {"marts", "profiles", "segments", "staging", "intermediate", "raw_hubspot", "raw_hubspot_staging"} <= tagged
    assert {"raw_inbox", "raw_contact_points", "reverse_sync"} <= tagged
    assert all(one.endswith(".pii = 'unclassified'") for one in setup if one.startswith("alter schema"))
    # the tag has its policies before a schema has the tag
    assert [one.split()[1] for one in setup].index("schema") == 0
    assert setup.index(next(one for one in setup if one.startswith("alter tag"))) < setup.index(
        next(one for one in setup if one.startswith("alter schema"))
    )


def test_what_nobody_has_classified_is_shown_to_nobody_but_the_roles_named(said_on_snowflake: list[str]) -> None:
    bodies = [one.split("->")[1] for one in json.loads(said_on_snowflake[0]) if one.startswith("alter masking policy")]
    assert len(bodies) == 2
    for body in bodies:
        parsed = sqlglot.parse_one(body, read="snowflake")
        assert parsed.args["default"].sql() == "NULL"
        shown = [branch.this.sql() for branch in parsed.args["ifs"] if branch.args["true"].sql() == "value"]
        assert len(shown) == 2
        assert "TRANSFORMER" in shown[0] and "'none'" in shown[1]


def test_each_described_column_is_marked_with_its_kind_or_none(said_on_snowflake: list[str]) -> None:
    marks = statements(said_on_snowflake[1])
    columns = (ROOT / "models" / "marts" / "customers.yml").read_text().count("data_type:")
    assert len(marks) == columns
    assert [one for one in marks if not one.startswith("alter table ")] == []
    kinds = {one.split(" modify column ")[1].split()[0]: one.rsplit("'", 2)[1] for one in marks}
    assert kinds["email"] == "email" and kinds["last_name"] == "name" and kinds["count_orders"] == "none"
    assert all(one.startswith("alter view ") for one in statements(said_on_snowflake[2]))


def test_every_statement_reads_as_snowflake(said_on_snowflake: list[str]) -> None:
    every = [*json.loads(said_on_snowflake[0]), *statements(said_on_snowflake[1]), *statements(said_on_snowflake[2])]
    for one in every:
        assert len(sqlglot.parse(one, read="snowflake", error_level=sqlglot.ErrorLevel.RAISE)) == 1, one


def test_the_tag_takes_every_kind_that_python_knows(said_on_snowflake: list[str]) -> None:
    assert json.loads(said_on_snowflake[3]) == list(KINDS)
    assert all(f"'{kind}'" in json.loads(said_on_snowflake[0])[1] for kind in KINDS)
