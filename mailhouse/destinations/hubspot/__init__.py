"""HubSpot as a destination: contacts of the portal by batches of 100, a list is a membership."""

from dataclasses import replace
from functools import partial

from mailhouse.destinations.base import Rules
from mailhouse.destinations.events import EventRules
from mailhouse.destinations.hubspot import events
from mailhouse.destinations.hubspot.account import connect
from mailhouse.destinations.hubspot.batching import calls
from mailhouse.destinations.hubspot.limits import LIMITS
from mailhouse.destinations.hubspot.wire import BILLED, MAILABLE, field_trouble, keeps
from mailhouse.destinations.keys import key_of, key_sql
from mailhouse.destinations.whole_account import place
from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection


def told(rules: Rules, connection: Connection) -> Rules:
    """The rules as the connection's `settings.membership_rows` changes them. Raises ConfigurationError."""
    rows = connection.settings.get("membership_rows")
    if rows is None:
        return rules
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 1:
        raise ConfigurationError(
            f"connection {connection.id}: settings.membership_rows: a whole number from 1; see docs/hubspot.md"
        )
    return replace(rules, calls=partial(rules.calls, member_rows=rows))


RULES = Rules(
    vendor="hubspot",
    needs_tag=False,
    limits=LIMITS,
    key_sql=key_sql,
    key_of=key_of,
    place=place,
    field_trouble=field_trouble,
    mailable=MAILABLE,
    calls=calls,
    connect=connect,
    billed=BILLED,
    keeps=keeps,
    told=told,
)
EVENTS = EventRules(vendor="hubspot", keeps_keys=events.KEEPS_KEYS, names=events.email_ids, connect=events.connect)
