"""Which records somebody means who names a record key or an e-mail address."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from mailhouse.contact_points import normalise_email
from mailhouse.errors import ConfigurationError

_BY_KEY = "select record_key, record_number, customer_id from {int_identities_resolved} where record_key = $named"
_BY_MAILBOX = """
    select distinct identities.record_key, identities.record_number, identities.customer_id
    from {int_contact_points_united} as points
    inner join {int_identities_resolved} as identities on points.record_key = identities.record_key
    where points.kind = 'email' and coalesce(points.wide_value, points.value) = $named
    order by identities.record_number
"""


@dataclass(frozen=True)
class Record:
    """One record: its key, its number in this build (1 is the oldest) and the customer that it belongs to."""

    key: str
    number: int
    customer_id: str


def named_records(connection: duckdb.DuckDBPyConnection, relations: Mapping[str, str], named: str) -> list[Record]:
    """The record of that key, else every record that has the address. Raises ConfigurationError when there is none."""
    rows = connection.execute(_BY_KEY.format_map(relations), {"named": named}).fetchall()
    if not rows:
        mailbox = normalise_email(named).wide
        rows = connection.execute(_BY_MAILBOX.format_map(relations), {"named": mailbox}).fetchall() if mailbox else []
    if not rows:
        raise ConfigurationError(
            "no record has this key or address; keys look like connection/kind/id, see marts.customer_records"
        )
    return [Record(key, number, customer_id) for key, number, customer_id in rows]
