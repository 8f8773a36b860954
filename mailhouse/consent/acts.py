"""An act of consent as the inbox takes it, and the same as a row of `raw_inbox.consent_acts`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import pyarrow as pa

CONNECTION = "inbox"
ACTS = ("withdraw", "grant", "block")
PROOFS = ("double_opt_in", "single_opt_in")
EVERY = "*"
# what an act is called when whoever recorded it gave no other reason
REASONS = {"withdraw": "withdrawn", "grant": "granted", "block": "manual_block"}

MOMENT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("connection_id", pa.string()),
        ("event_id", pa.string()),
        ("inbox_id", pa.string()),
        ("seq", pa.int64()),
        ("act", pa.string()),
        ("address", pa.string()),
        ("channel", pa.string()),
        ("purpose", pa.string()),
        ("brand", pa.string()),
        ("source", pa.string()),
        ("reason", pa.string()),
        ("proof", pa.string()),
        ("evidence", pa.string()),
        ("recorded_by", pa.string()),
        ("occurred_at", MOMENT),
        ("received_at", MOMENT),
    ]
)


@dataclass(frozen=True, slots=True)
class ConsentAct:
    """Something that was said about writing to an address. Times are aware; `occurred_at` None is a time nobody knows.

    `purpose`, `channel` and `brand` may be `*`: a refusal of everything. `reason` says what kind of act it is
    (`unsubscribed`, `complaint`, `hard_bounce`, …; see seeds/consent_block_reasons.csv for those of a block). `event_id`
    makes the act recorded twice one act; the inbox gives one to whoever has none.
    """

    act: Literal["withdraw", "grant", "block"]
    address: str = field(repr=False)
    source: str
    channel: str = "email"
    purpose: str = EVERY
    brand: str = "default"
    reason: str = ""
    occurred_at: datetime | None = None
    proof: str | None = None
    evidence: str | None = None
    recorded_by: str = ""
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedAct:
    """An act that was taken: when (UTC), by which inbox, and its place in that inbox's order."""

    act: ConsentAct
    received_at: datetime
    inbox_id: str = ""
    seq: int = 0


def raw_rows(received: Iterable[ReceivedAct]) -> pa.Table:
    """The acts as rows of `raw_inbox.consent_acts`."""
    rows = []
    for one in received:
        said = {name: getattr(one.act, name) for name in ConsentAct.__dataclass_fields__}
        rows.append(
            {**said, "connection_id": CONNECTION, "inbox_id": one.inbox_id, "seq": one.seq, "received_at": one.received_at}
        )
    return pa.Table.from_pylist(rows, SCHEMA)
