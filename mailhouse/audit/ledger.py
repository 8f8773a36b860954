"""What the consent ledger holds, told to the trail after each build that changed it: nobody rewrites it unseen."""

import duckdb

from mailhouse.audit.trail import Trail
from mailhouse.clock import Clock
from mailhouse.settings import Settings
from mailhouse.sync.consent import exists
from mailhouse.sync.manifest import read_manifest

LEDGER = "consent_events"
# in no order, as the rows have none; an id is made of its act, so another act is another id
DIGEST = "select count(*), coalesce(bit_xor(md5_number(event_id)), 0)::varchar from {ledger}"


def record_ledger(settings: Settings, connection: duckdb.DuckDBPyConnection, clock: Clock) -> None:
    """Append how many acts the ledger holds and a digest of them, if the newest such entry says otherwise.

    Does nothing before the ledger was ever built. Raises ConfigurationError without a manifest, StateUnreadable.
    """
    ledger = read_manifest(settings.manifest).relation(LEDGER)
    if ledger is None or not exists(connection, ledger):
        return
    acts, digest = connection.execute(DIGEST.format(ledger=ledger.sql)).fetchall()[0]
    params = {"acts": acts, "digest": digest}
    Trail(settings).append_if_new("consent changed", clock, actor="mailhouse", params=params)
