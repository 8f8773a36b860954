"""Mailchimp as a destination: synchronous batches of 500, a tag is a static segment of a list."""

from mailhouse.destinations.base import Rules
from mailhouse.destinations.mailchimp.account import connect
from mailhouse.destinations.mailchimp.wire import LIMITS, calls, field_trouble, key_of, key_sql, place

RULES = Rules(
    vendor="mailchimp",
    needs_tag=True,
    limits=LIMITS,
    key_sql=key_sql,
    key_of=key_of,
    place=place,
    field_trouble=field_trouble,
    mailable=frozenset({"subscribed"}),
    calls=calls,
    connect=connect,
)
