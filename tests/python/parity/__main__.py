"""`make parity`: every mart, profile model and segment of the demo's company on DuckDB and on Snowflake's stand-in.

Prints a table of the models with their rows and differences for each day, and exits 1 when there is a difference.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from mailhouse import terminal
from mailhouse.report import Table
from tests.python.parity.compare import LEFT_OUT, SIGNIFICANT, Compared
from tests.python.parity.days import Day, live_through

SHOWN = 3  # rows of a model that differ
ROUNDING = f"Equal means: exactly, floating point numbers to {SIGNIFICANT} significant digits."


def show(day: Day) -> None:
    rows = [
        (one.model, f"{one.rows_here:,}", f"{one.rows_there:,}", f"{one.differences:,}", ", ".join(one.columns))
        for one in day.compared
    ]
    columns = ("model", "DuckDB", "stand-in", "differences", "in the columns")
    title = f"Day {day.number}: {day.copied:,} raw rows, {day.differences:,} differences"
    terminal.show(Table(title, columns, rows, ROUNDING))
    people, calls = sum(map(len, day.there.plan.changes.values())), sum(day.there.calls.values())
    unlike = ", ".join(day.engine_differences) or "nothing"
    terminal.line(f"  The engine on the stand-in: {people:,} changes in {calls:,} write calls; not as on DuckDB: {unlike}")
    for line in (*day.said, *day.problems):
        terminal.line(f"  {line}")
    for one in day.compared:
        _show_rows(one)


def _show_rows(one: Compared) -> None:
    for engine, rows in (("DuckDB", one.only_here), ("stand-in", one.only_there)):
        for row in rows[:SHOWN]:
            terminal.line(f"  {one.model} only on {engine}: {row}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.python.parity", description=__doc__)
    parser.add_argument("--customers", type=int, default=5_000)
    parser.add_argument("--days", type=int, default=1, help="days that pass after the first")
    asked = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(prefix="parity-") as folder:
        for day in live_through(Path(folder), customers=asked.customers, days=asked.days, is_whole=True):
            show(day)
            good = good and not (day.differences or day.engine_differences or day.problems)
    for model, reason in LEFT_OUT.items():
        terminal.line(f"not compared: {model}, because {reason}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
