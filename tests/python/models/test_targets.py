"""Plain dbt: a file of one's own that defers to the published copy, and no warning from any command."""

import json
from typing import Any

CHANGED = ("--target", "dev", "-s", "state:modified+")


def test_dev_builds_only_what_changed_while_a_run_holds_the_warehouse(published: Any) -> None:
    state = published.workdir / "published_target" / "manifest.json"
    manifest = json.loads(state.read_text(encoding="utf-8"))
    manifest["nodes"]["model.mailhouse.seg_champions"]["raw_code"] += "-- as it was before the edit"
    state.write_text(json.dumps(manifest), encoding="utf-8")
    with published.connect():
        done = published.dbt("build", *CHANGED, "--defer", "--state", str(state.parent))
    assert "WARN=0 ERROR=0" in done.stdout
    built = published.dbt("ls", *CHANGED, "--state", str(state.parent), "--resource-type", "model", "-q")
    assert [line.split(".")[-1] for line in built.stdout.split()] == ["seg_champions"]


def test_dbt_says_no_warning(published: Any) -> None:
    show = ["show", "--inline", "select count(*) as n from {{ ref('customers') }}"]
    for command in (["parse", "--no-partial-parse"], show):
        done = published.dbt(*command)
        assert "WARN" not in done.stdout.upper(), done.stdout
