"""Mailchimp as a destination: synchronous batches of 500, a tag is a static segment of a list."""

from mailhouse.destinations.base import Rules
from mailhouse.destinations.events import EventRules
from mailhouse.destinations.mailchimp import events
from mailhouse.destinations.mailchimp.account import connect
from mailhouse.destinations.mailchimp.wire import BILLED, LIMITS, calls, field_trouble, keeps, key_of, key_sql, place

RULES = Rules(
    vendor="mailchimp",
    needs_tag=True,
    limits=LIMITS,
    key_sql=key_sql,
    key_of=key_of,
    place=place,
    field_trouble=field_trouble,
    mailable=frozenset({"subscribed"}),
    billed=BILLED,
    keeps=keeps,
    calls=calls,
    connect=connect,
)
EVENTS = EventRules(vendor="mailchimp", keeps_keys=events.KEEPS_KEYS, names=events.member_events, connect=events.connect)
