"""What the inbox has taken that the built ledger does not know yet: who has refused since, and who has agreed again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from mailhouse.consent.acts import EVERY, ReceivedAct
from mailhouse.consent.inbox import Inbox
from mailhouse.contact_points import normalise_email
from mailhouse.withdrawals.journal import CLOCKS

LEDGER = "warehouse.marts.consent_events"
# a block that is about the address and not about what a person wants
ABOUT_THE_ADDRESS = ("hard_bounce", "role_address", "trap_address")
ALWAYS = datetime.max.replace(tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Act:
    """One act of the inbox with its mailbox in the wide form and the time it counts from; None is a time nobody knows."""

    event_id: str
    mailbox: str = field(repr=False)
    address: str = field(repr=False)
    purpose: str
    said_at: datetime | None
    is_block: bool = False


@dataclass(frozen=True)
class Newer:
    """The acts that no build has seen."""

    refusals: tuple[Act, ...] = ()
    grants: tuple[Act, ...] = ()

    def stands(self, act: Act, purposes: frozenset[str] | None) -> bool:
        """Whether a refusal still holds for one of the purposes (None: of any) with all that the inbox knows."""
        if act.is_block or purposes is None:
            return True
        meant = purposes if act.purpose == EVERY else purposes & {act.purpose}
        return any(not self.outweighs(act.mailbox, purpose, act.said_at) for purpose in meant)

    def outweighs(self, mailbox: str, purpose: str | None, refused_at: datetime | None) -> bool:
        """Whether the person has agreed (to that purpose; None: to any) after a refusal; a tie or an unknown time is none."""
        return any(
            grant.mailbox == mailbox and purpose in (None, grant.purpose) and (grant.said_at or NEVER) > (refused_at or ALWAYS)
            for grant in self.grants
        )


def newer_acts(inbox: Inbox, warehouse: duckdb.DuckDBPyConnection) -> Newer:
    """The inbox's acts without those that the ledger has. Raises StateUnreadable; an inbox that was never made has none."""
    if not inbox.exists:
        return Newer()
    received = [one for one in inbox.acts() if one.act.channel in ("email", EVERY)]
    known = _known(warehouse, [one.act.event_id for one in received])
    fresh = [one for one in received if one.act.event_id not in known]
    refusals = (one for one in fresh if one.act.act != "grant" and one.act.reason not in ABOUT_THE_ADDRESS)
    return Newer(tuple(map(_act, refusals)), tuple(_act(one) for one in fresh if one.act.act == "grant"))


def _act(one: ReceivedAct) -> Act:
    said = min(one.act.occurred_at, one.received_at + CLOCKS) if one.act.occurred_at else None
    mailbox = normalise_email(one.act.address).wide or one.act.address.strip().lower()
    return Act(one.act.event_id, mailbox, one.act.address.strip(), one.act.purpose, said, one.act.act == "block")


def _known(warehouse: duckdb.DuckDBPyConnection, event_ids: Sequence[str]) -> set[str]:
    warehouse.register("asked", pa.table({"event_id": pa.array(event_ids, pa.string())}))
    try:
        rows = warehouse.execute(f"select event_id from {LEDGER} semi join asked using (event_id)").fetchall()
    except duckdb.CatalogException:
        # nothing was built yet: every act is newer
        return set()
    finally:
        warehouse.unregister("asked")
    return {event_id for (event_id,) in rows}
