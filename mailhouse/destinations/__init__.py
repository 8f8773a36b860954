"""The ESPs we write to: one folder each, found by the connection's vendor."""

from mailhouse.destinations.base import Action, Call, Change, Destination, Outcome, Record, Rules, Settled
from mailhouse.destinations.hubspot import RULES as HUBSPOT
from mailhouse.destinations.klaviyo import RULES as KLAVIYO
from mailhouse.destinations.mailchimp import RULES as MAILCHIMP
from mailhouse.destinations.sendgrid import RULES as SENDGRID
from mailhouse.settings import Connection

_RULES = {rules.vendor: rules for rules in (HUBSPOT, KLAVIYO, MAILCHIMP, SENDGRID)}


def rules_for(vendor: str) -> Rules | None:
    """The rules of one vendor, None when it is not one we write to."""
    return _RULES.get(vendor)


def rules_of(connection: Connection) -> Rules | None:
    """The rules of one connection: its vendor's, as its settings change them. Raises ConfigurationError."""
    rules = rules_for(connection.vendor)
    return rules.told(rules, connection) if rules and rules.told else rules


__all__ = ["Action", "Call", "Change", "Destination", "Outcome", "Record", "Rules", "Settled", "rules_for", "rules_of"]
