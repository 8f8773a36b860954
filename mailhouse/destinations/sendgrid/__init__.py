"""SendGrid as a destination: contacts of the account by upserts of 30,000, a list is a membership."""

from mailhouse.destinations.base import Rules
from mailhouse.destinations.events import EventRules
from mailhouse.destinations.keys import key_of, key_sql
from mailhouse.destinations.sendgrid import events
from mailhouse.destinations.sendgrid.account import connect
from mailhouse.destinations.sendgrid.batching import calls
from mailhouse.destinations.sendgrid.limits import LIMITS
from mailhouse.destinations.sendgrid.wire import BILLED, MAILABLE, field_trouble, keeps
from mailhouse.destinations.whole_account import place

RULES = Rules(
    vendor="sendgrid",
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
EVENTS = EventRules(vendor="sendgrid", keeps_keys=events.KEEPS_KEYS, names=events.mails, connect=events.connect)
