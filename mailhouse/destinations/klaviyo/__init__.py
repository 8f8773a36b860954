"""Klaviyo as a destination: profiles of the account by import jobs of 10,000, a list is a membership."""

from mailhouse.destinations.base import Rules
from mailhouse.destinations.events import EventRules
from mailhouse.destinations.keys import key_of, key_sql
from mailhouse.destinations.klaviyo import events
from mailhouse.destinations.klaviyo.account import connect
from mailhouse.destinations.klaviyo.batching import calls
from mailhouse.destinations.klaviyo.limits import LIMITS
from mailhouse.destinations.klaviyo.wire import BILLED, MAILABLE, field_trouble, keeps
from mailhouse.destinations.whole_account import place

RULES = Rules(
    vendor="klaviyo",
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
)
EVENTS = EventRules(vendor="klaviyo", keeps_keys=events.KEEPS_KEYS, names=events.metrics, connect=events.connect)
