"""How tables, stages and errors look in a terminal, and in a file that a terminal's output was sent to."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from mailhouse.report import Finding, Stage, Table

# Output that goes to a file or a pipe must not be cut at 80 columns.
console = Console(highlight=False, soft_wrap=False)
if not console.is_terminal:
    console = Console(highlight=False, width=140)

WIDE = 10  # more columns than this do not stand side by side


def show(table: Table) -> None:
    """Print one table with its note; a wide one record by record, so that every cell can be read."""
    if len(table.columns) > WIDE:
        _show_records(table)
        return
    look = {"title_justify": "left", "title_style": "bold", "box": box.SIMPLE_HEAD, "pad_edge": False}
    rich_table = RichTable(title=escape(table.title), **look)
    for position, column in enumerate(table.columns):
        numeric = position > 0 and all(_is_number(row[position]) for row in table.rows)
        rich_table.add_column(escape(column), justify="right" if numeric else "left", overflow="fold")
    for row in table.rows:
        rich_table.add_row(*(escape(cell) for cell in row))
    console.print(rich_table)
    if table.note:
        console.print(escape(table.note), style="dim")
    console.print()


def _show_records(table: Table) -> None:
    width = max(len(column) for column in table.columns)
    for number, row in enumerate(table.rows, start=1):
        console.print(f"[dim]─ {number}[/]")
        for column, cell in zip(table.columns, row, strict=True):
            console.print(f"[dim]{escape(column):<{width}}[/]  {escape(cell)}", soft_wrap=True)
    if table.note:
        console.print(escape(table.note), style="dim")


def headline(text: str) -> None:
    console.rule(f"[bold]{escape(text)}", align="left", characters="─")


def line(text: str, style: str = "") -> None:
    console.print(escape(text), style=style)


@contextmanager
def progress(title: str) -> Iterator["Steps"]:
    """A bar for one stage; in a file only the stage's finished line appears."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("[dim]{task.fields[step]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        yield Steps(bar, bar.add_task(escape(title), total=None, step=""))


class Steps:
    """Moves the bar of one stage."""

    def __init__(self, bar: Progress, task: int) -> None:
        self._bar, self._task = bar, task

    def __call__(self, text: str) -> None:
        """Say what was just finished."""
        self._bar.update(self._task, advance=1, step=escape(text[:60]))


def _is_number(text: str) -> bool:
    return not text or text.replace(",", "").replace(".", "").replace("-", "").replace("%", "").strip().isdigit()


def refuse(text: str) -> None:
    """One line on standard error that says what is wrong and what to do."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    errors.print(f"[bold red]error[/] {escape(text)}")


def stage(done: Stage) -> None:
    """One finished stage on one line."""
    rows = f"{done.rows:>12,} rows" if done.rows is not None else " " * 17
    console.print(f"  [green]✓[/] {escape(done.name):<32} {done.seconds:>6.1f} s {rows}   [dim]{escape(done.says)}[/]")


def blank() -> None:
    console.print()


def findings(found: Iterable[Finding]) -> bool:
    """Each thing examined on one line, as soon as it is known; True when all are well."""
    all_good = True
    for finding in found:
        mark = "[green]✓[/]" if finding.is_good else "[bold red]✗[/]"
        console.print(f"{mark} {escape(finding.subject):<32} {escape(finding.says)}", soft_wrap=True)
        all_good = all_good and finding.is_good
    return all_good
