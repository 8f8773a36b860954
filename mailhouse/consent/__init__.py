"""Consent outside dbt: the inbox that takes acts at any time, and the last look that decides again before each batch.

The rules are the project's SQL (models/intermediate/consent, models/marts/consent_status); nothing here repeats one.
"""

from mailhouse.consent.acts import ConsentAct
from mailhouse.consent.inbox import Inbox
from mailhouse.consent.landing import land_inbox
from mailhouse.consent.last_look import LastLook, Look

__all__ = ["ConsentAct", "Inbox", "LastLook", "Look", "land_inbox"]
