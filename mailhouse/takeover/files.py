"""An inspection as files: figures and keys as JSON for programs, one line a finding as CSV for people."""

import json
import os
from pathlib import Path
from typing import TextIO

import duckdb

from mailhouse.query import write_csv
from mailhouse.report import Table
from mailhouse.settings import Settings
from mailhouse.takeover.findings import COLUMNS
from mailhouse.takeover.inspection import Inspection

FOLDER = "inspect"
ORDER = "order by kind, container, membership, reason, document_key"


def write_files(settings: Settings, warehouse: duckdb.DuckDBPyConnection, inspection: Inspection) -> list[Path]:
    """Write `inspect/<destination>.json` and `.csv` in the work directory, in place of the last ones; gives back where.

    The CSV holds addresses, for nobody else could find the records there; it is readable by its owner alone.
    """
    folder = settings.workdir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    named = [column for column in COLUMNS if column != "address"]
    rows = warehouse.execute(f"select {', '.join(named)} from takeover_findings {ORDER}").fetchall()
    document = inspection.as_dict() | {"findings": [dict(zip(named, row, strict=True)) for row in rows]}
    figures, people = folder / f"{inspection.destination}.json", folder / f"{inspection.destination}.csv"
    with _private(figures) as out:
        json.dump(document, out, indent=2)
    found = warehouse.execute(f"select {', '.join(COLUMNS)} from takeover_findings {ORDER}").fetchall()
    with _private(people) as out:
        write_csv(Table("", COLUMNS, found), out)
    return [figures, people]


def _private(path: Path) -> TextIO:
    """The file, empty, which only its owner may read from the first byte on."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="")
