"""What arrives of people who were erased: dropped before it is written anywhere; of orders only the person is.

A new opt-in of the person, later than the erasure and with proof, is the one thing that lets them in again.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mailhouse.contact_points import wide_of
from mailhouse.privacy.places import BY_TABLE, Place, record_name
from mailhouse.privacy.tombstones import EMAIL, RECORD, Known, Tombstone, Tombstones
from mailhouse.settings import Settings

if TYPE_CHECKING:  # the inbox is landed through here
    from mailhouse.consent.acts import ReceivedAct

Row = Mapping[str, Any]


class Arrivals:
    """Holds what arrives against the tombstones. Raises StateUnreadable when they cannot be read: then nothing lands."""

    def __init__(self, settings: Settings) -> None:
        self._tombstones = Tombstones(settings)
        self._members = [one.id for one in settings.connections.values() if one.vendor == "mailchimp"]
        self._known = self._tombstones.read()

    def kept(self, vendor: str, table: str, rows: pa.Table) -> pa.Table:
        """A page of a raw table without those who were erased."""
        place = BY_TABLE.get((vendor, table))
        if not self._known or place is None or place.where:
            return rows
        looked_at = {*place.records.values(), *place.emails, *place.several, *(place.opt_in or ())}
        columns = [one.name for one in rows.schema if one.name in looked_at or pa.types.is_timestamp(one.type)]
        found = rows.select(["connection_id", *columns]).to_pylist()
        for row in found if place.opt_in else ():
            self._hear(place, row)
        against = [_against(self._known, place, row) for row in found]
        if not any(against):
            return rows
        if place.action == "delete":
            return rows.filter(pa.array([tombstone is None for tombstone in against]))
        whole = zip(rows.to_pylist(), against, strict=True)
        return pa.Table.from_pylist([_cleared(place, row, one) if one else row for row, one in whole], rows.schema)

    def acts(self, received: "Iterable[ReceivedAct]") -> "list[ReceivedAct]":
        """The acts of the inbox without those about people who were erased, save what they said since a new opt-in."""
        taken = list(received)
        if not self._known:
            return taken
        for one in taken:
            if one.act.act == "grant" and one.act.proof and one.act.occurred_at:
                self._lift(one.act.address, one.act.occurred_at)
        return [one for one in taken if not self._is_kept_out(one)]

    def _is_kept_out(self, one: "ReceivedAct") -> bool:
        wide = wide_of(one.act.address)
        return bool(wide and self._known.against(EMAIL, wide, one.act.occurred_at or one.received_at))

    def _hear(self, place: Place, row: Row) -> None:
        moment, proof = (row.get(column) for column in place.opt_in or ())
        if moment and proof:
            for column in place.emails:
                self._lift(row.get(column), moment)

    def _lift(self, address: str | None, at: datetime) -> None:
        wide = wide_of(address) if address else None
        tombstone = self._known.of(EMAIL, wide) if wide else None
        if tombstone is None or tombstone.lifted_at is not None or at <= tombstone.erased_at:
            return
        # a member's id is made of the address, so that the new one has the old one's
        member = hashlib.md5(wide.encode(), usedforsecurity=False).hexdigest()
        members = [(RECORD, record_name(connection, "member", member)) for connection in self._members]
        self._tombstones.lift([(EMAIL, wide), *members], at)
        self._known = self._tombstones.read()


def _against(known: Known, place: Place, row: Row) -> Tombstone | None:
    """The tombstone that keeps this row out."""
    newest = max((value for value in row.values() if isinstance(value, datetime)), default=None)
    for kind, column in place.records.items():
        value = row.get(column)
        if value is not None and (found := known.against(RECORD, record_name(row["connection_id"], kind, str(value)), newest)):
            return found
    for column in (*place.emails, *place.several):
        for part in (row.get(column) or "").split(";"):
            wide = wide_of(part) if part.strip() else None
            if wide and (found := known.against(EMAIL, wide, newest)):
                return found
    return None


def _cleared(place: Place, row: Row, tombstone: Tombstone) -> Row:
    return {**row, **dict.fromkeys(place.blank), **dict.fromkeys(place.surrogate, tombstone.surrogate)}
