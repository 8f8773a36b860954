"""`mailhouse bench`: how quick it is on this machine, as ratios, and whether the quick answer is right."""

import json
import sys

import click

from mailhouse import terminal


@click.group()
def bench() -> None:
    """Measure on made-up people in memory; asks no account and leaves nothing behind."""


@bench.command("sync")
@click.option("--people", type=click.IntRange(1), default=20_000, show_default=True, help="How many the engine plans and sends.")
@click.option(
    "--diff-people", type=click.IntRange(0), default=1_000_000, show_default=True, help="How many it compares; 0 leaves it out."
)
@click.option("--latency-ms", type=click.FloatRange(0), default=10.0, show_default=True, help="How late the ESP answers.")
@click.option("--json", "as_json", is_flag=True, help="Every figure as JSON.")
def bench_sync(people: int, diff_people: int, latency_ms: float, as_json: bool) -> None:
    """Measure the reverse sync against an ESP that costs nothing; ends non-zero only when an answer is wrong."""
    from mailhouse.bench.figures import measure

    figures = measure(people, diff_people, latency_ms / 1000, lambda text: click.echo(text, err=True))
    if as_json:
        click.echo(json.dumps(figures.as_dict(), indent=2))
    else:
        for table in figures.tables():
            terminal.show(table)
    for line in figures.wrong:
        terminal.refuse(f"wrong: {line}")
    sys.exit(1 if figures.wrong else 0)
