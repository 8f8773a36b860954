"""Erasing a person while nothing else works on the warehouse."""

from mailhouse.clock import SystemClock, clock_of
from mailhouse.leases import WAREHOUSE, Leases
from mailhouse.platforms import platform_of
from mailhouse.privacy.erase import ErasureReceipt, Say, erase
from mailhouse.settings import Settings, operator, prepare_environment


def erase_person(settings: Settings, address: str, *, wait: float | None = None, say: Say = lambda _: None) -> ErasureReceipt:
    """Hold the warehouse and erase the person who has the address; see `mailhouse.privacy.erase.erase`.

    Raises LeaseHeld too, when a run has the warehouse and, within `wait` seconds, does not give it back.
    """
    prepare_environment(settings)
    platform_of(settings).require_raw("mailhouse erase")
    with Leases(settings.leases_path, SystemClock()).hold(WAREHOUSE, doing="mailhouse erase", wait=wait, tell=say) as lease:
        return erase(settings, address, clock_of(settings), lease, actor=operator(), say=say)
