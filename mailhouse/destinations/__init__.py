"""The ESPs we write to: one folder each, found by the connection's vendor."""

from mailhouse.destinations.base import Action, Call, Change, Destination, Outcome, Record, Rules, Settled
from mailhouse.destinations.events import Event, EventOutcome, EventRules, EventTransport
from mailhouse.destinations.hubspot import EVENTS as HUBSPOT_EVENTS
from mailhouse.destinations.hubspot import RULES as HUBSPOT
from mailhouse.destinations.klaviyo import EVENTS as KLAVIYO_EVENTS
from mailhouse.destinations.klaviyo import RULES as KLAVIYO
from mailhouse.destinations.mailchimp import EVENTS as MAILCHIMP_EVENTS
from mailhouse.destinations.mailchimp import RULES as MAILCHIMP
from mailhouse.destinations.sendgrid import EVENTS as SENDGRID_EVENTS
from mailhouse.destinations.sendgrid import RULES as SENDGRID
from mailhouse.settings import Connection

_RULES = {rules.vendor: rules for rules in (HUBSPOT, KLAVIYO, MAILCHIMP, SENDGRID)}
_EVENTS = {events.vendor: events for events in (HUBSPOT_EVENTS, KLAVIYO_EVENTS, MAILCHIMP_EVENTS, SENDGRID_EVENTS)}


def rules_for(vendor: str) -> Rules | None:
    """The rules of one vendor, None when it is not one we write to."""
    return _RULES.get(vendor)


def rules_of(connection: Connection) -> Rules | None:
    """The rules of one connection: its vendor's, as its settings change them. Raises ConfigurationError."""
    rules = rules_for(connection.vendor)
    return rules.told(rules, connection) if rules and rules.told else rules


def events_for(vendor: str) -> EventRules | None:
    """How events are told to one vendor, None when it is not one that is told of any."""
    return _EVENTS.get(vendor)


__all__ = [
    "Action",
    "Call",
    "Change",
    "Destination",
    "Event",
    "EventOutcome",
    "EventRules",
    "EventTransport",
    "Outcome",
    "Record",
    "Rules",
    "Settled",
    "events_for",
    "rules_for",
    "rules_of",
]
