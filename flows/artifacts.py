"""What the dashboard shows beside the tasks: tables whose cards say what stands in them, and a bar that moves."""

import logging
from collections.abc import Callable
from contextvars import copy_context
from itertools import count

import httpx
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact

from mailhouse.report import Table

log = logging.getLogger(__name__)

STEPS = 40  # as often a bar moves at most: each move is a call to the server


def show(table: Table) -> None:
    """File a table under its own key; its note, which sums it up, is what its card says."""
    create_table_artifact(table.as_dicts(), key=table.key, description=table.note or table.title)


def bar(key: str, total: int) -> Callable[[str], None]:
    """A progress bar; what it gives back is told, from any thread, the name of each of `total` things as it is finished.

    A server that is away leaves the bar standing, and never fails the work that the bar is about.
    """
    bar_id = create_progress_artifact(0.0, key=key, description=f"0 of {total:,}")
    # where the server is stands in the context of this thread, and dbt works in others
    context, finished, total = copy_context(), count(1), max(1, total)
    step = max(1, total // STEPS)
    stands_still = False

    def move(name: str) -> None:
        nonlocal stands_still
        done = next(finished)
        if stands_still or (done % step and done < total):
            return
        try:
            context.copy().run(update_progress_artifact, bar_id, min(100.0, 100 * done / total), f"{done:,} of {total:,}: {name}")
        except httpx.HTTPError as error:
            stands_still = True
            log.warning("the bar of %s stands still: the dashboard does not answer (%s)", key, type(error).__name__)

    return move
