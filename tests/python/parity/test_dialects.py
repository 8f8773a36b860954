"""What the dispatched macros answer: the same on both engines."""

import json
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from tests.python.parity.compare import comparable
from tests.python.parity.server import ROOT, StandIn

NAMES = ("René", "  O'Neil-Smith ", "Łuć", "Ørsted", "Nguyễn Thị", "Αθηνά", "Алёна", "Müller – Lüdenscheidt", "J.", " - ")
# one slip; neighbours that changed places; the same and one slip more; two swaps; far apart
SLIPS = (("19850312", "19850313"), ("19850312", "19850321"), ("19850312", "29850321"), ("12345678", "21435678"), ("abc", "xyz12"))
ALIKE = (("jonathan", "jonathon"), ("martha", "marhta"), ("dwayne", "duane"), ("dixon", "dicksonx"), ("anna", "otto"))
TYPED = {
    "integer": ("7", "7.5x"),
    "decimal": ("1.25", "much"),
    "boolean": ("true", "perhaps"),
    "date": ("2026-02-28", "2026-02-31"),
    "timestamp": ("2026-02-28 10:00:00", "soon"),
    "text": ("as it is", ""),
}
UNKNOWN = {"json_text_none", "json_text_absent", "plain_name_9", *(f"{kind}_bad" for kind in TYPED if kind != "text")}
DOCUMENT = json.dumps({"name": "Ann", "none": None, "number": 1.5, "list": [1, "two"]})


def expressions() -> dict[str, str]:
    """What is asked, as a Jinja expression by name."""
    made = {
        "utc_timestamp": "utc_timestamp(\"cast('2026-03-01 12:00:00+02:00' as timestamp with time zone)\")",
        "epoch_timestamp": "epoch_timestamp(\"'1772366400.25'\")",
        "text_timestamp": "text_timestamp(\"'2026-03-01T12:00:00+02:00'\")",
        "text_timestamp_without_zone": "text_timestamp(\"'2026-03-01T12:00:00'\")",
        "replace_every": "replace_every(\"'a1b22c'\", '[0-9]+', '-')",
        "plain_code": "plain_code(\"'W6U 3QY'\")",
        "plain_phone": "plain_phone(\"'+44 (0)113 496-0732'\")",
        "plain_email": "plain_email(\"' Ann+shop@Mail.example '\")",
        "plain_date_ours": "plain_date(\"'3.12.1985'\")",
        "plain_date_iso": "plain_date(\"'1985-3-1'\")",
    }
    made |= {f"json_text_{field}": f"json_text(\"'{DOCUMENT.replace(chr(34), chr(92) + chr(34))}'\", '{field}')" for field in
             ("name", "none", "number", "absent")}  # fmt: skip
    for number, name in enumerate(NAMES):
        made[f"plain_name_{number}"] = "plain_name(\"'" + name.replace("'", "''") + "'\")"
    for number, (one, other) in enumerate(SLIPS):
        made[f"typing_distance_{number}"] = f"typing_distance(\"'{one}'\", \"'{other}'\")"
    for number, (one, other) in enumerate(ALIKE):
        similarity = f"name_similarity(\"'{one}'\", \"'{other}'\")"
        made |= {f"alike_{number}_{limit}": f"({similarity} ~ ' >= 0.{limit}')" for limit in (80, 88, 92)}
    for kind, (good, bad) in TYPED.items():
        made |= {f"{kind}_good": f"text_as(\"'{good}'\", '{kind}')", f"{kind}_bad": f"text_as(\"'{bad}'\", '{kind}')"}
    return made


def query() -> str:
    """One row with every expression, and how the two macros that make rows make them."""
    asked = ",\n".join(f"{{{{ {jinja} }}}} as {name}" for name, jinja in expressions().items())
    return f"""
        with given as (
            select 1 as id, 'a;b; c' as parts, '[{{"x": 1}}, "two", null]' as listed
            union all select 2, '', '[]' union all select 3, null, null
        ),
        parted as ({{{{ split_to_rows('given', ['id'], 'parts', ';') }}}}),
        elements as ({{{{ json_elements('given', ['id'], 'listed') }}}})
        select {asked},
            (select count(*) from parted) as count_parts,
            (select max(trim(part)) from parted) as last_part,
            (select count(*) from elements) as count_elements,
            (select max({{{{ json_text('element', 'x') }}}}) from elements where element like '%x%') as found_element
    """


def compiled(target: str) -> str:
    command = [
        "compile",
        "--target",
        target,
        "--project-dir",
        str(ROOT),
        "--profiles-dir",
        str(ROOT),
        "--quiet",
        "--inline",
        query(),
    ]
    try:
        done = dbtRunner().invoke(command)
    finally:
        DuckDBConnectionManager.close_all_connections()
    assert done.success, done.exception
    return done.result.results[0].node.compiled_code


@pytest.fixture(scope="module")
def answers(standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """DuckDB's answers and the stand-in's, by name."""
    workdir = tmp_path_factory.mktemp("dialects")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILHOUSE_WORKDIR", str(workdir))
        patch.setenv("DBT_LOG_PATH", str(workdir / "logs"))
        for name, value in standin.environment.items():
            patch.setenv(name, value)
        here_sql, there_sql = compiled("prod"), compiled("snowflake")
    with duckdb.connect() as here:
        here.execute("set TimeZone = 'UTC'")
        answered = here.execute(here_sql)
        names = [column[0] for column in answered.description]
        ours = answered.fetchall()[0]
    theirs = standin.rows(there_sql)[0]
    return dict(zip(names, map(comparable, ours), strict=True)), dict(zip(names, map(comparable, theirs), strict=True))


def test_both_engines_answer_alike(answers: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, theirs = answers
    assert {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]} == {}


def test_the_answers_say_something(answers: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, _ = answers
    assert {name for name, value in ours.items() if value is None} == UNKNOWN
    assert [ours[f"typing_distance_{number}"] for number in range(5)] == [1, 1, 3, 3, 5]
    assert (ours["count_parts"], ours["last_part"], ours["count_elements"], ours["found_element"]) == (4, "c", 3, "1")
