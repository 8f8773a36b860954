"""The ESPs we write to: one folder each, found by the connection's vendor."""

from mailhouse.destinations.base import Action, Call, Change, Destination, Outcome, Record, Rules, Settled
from mailhouse.destinations.klaviyo import RULES as KLAVIYO
from mailhouse.destinations.mailchimp import RULES as MAILCHIMP
from mailhouse.destinations.sendgrid import RULES as SENDGRID

_RULES = {rules.vendor: rules for rules in (KLAVIYO, MAILCHIMP, SENDGRID)}


def rules_for(vendor: str) -> Rules | None:
    """The rules of one vendor, None when it is not one we write to."""
    return _RULES.get(vendor)


__all__ = ["Action", "Call", "Change", "Destination", "Outcome", "Record", "Rules", "Settled", "rules_for"]
