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
    results = json.loads((published.workdir / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    assert [one["unique_id"] for one in results if one["unique_id"].startswith("model.")] == ["model.mailhouse.seg_champions"]


def test_dbt_says_no_warning(published: Any) -> None:
    done = published.dbt("show", "--inline", "select count(*) as n from {{ ref('customers') }}", "--no-partial-parse")
    assert "WARN" not in done.stdout.upper(), done.stdout
