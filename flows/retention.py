"""Keep events only as long as connections.yml says."""

from collections.abc import Callable

from flows import chain
from mailhouse.platforms import platform_of
from mailhouse.retention import retain, rules
from mailhouse.settings import Settings


def retain_now(settings: Settings, *, wait: float | None = None, say: Callable[[str], None] = lambda _: None) -> dict[str, int]:
    """Delete what is too old and publish; `{raw table: rows deleted}`, empty without rules.

    Raises ConfigurationError for a rule that cannot be meant, LeaseHeld while a run has the warehouse.
    """
    platform_of(settings).require_raw("mailhouse retain")
    with chain.open_run(settings, "mailhouse retain", wait=wait, say=say) as run:
        wanted = rules(settings, run.project.parse())
        if not wanted:
            return {}
        with run.warehouse.write() as connection:
            gone = retain(connection, wanted, run.clock.now())
        if any(gone.values()):
            # what was deleted is still in the file until it is written anew
            run.warehouse.rewrite()
        chain.publish(run)
        return gone
