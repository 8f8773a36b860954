"""One HTTP client for what we write to ESPs and read back: each vendor's limits as data, waiting and retrying in one place."""

from mailhouse.http.answers import Answer, OutcomeUnknown
from mailhouse.http.budget import CallBudgetSpent
from mailhouse.http.client import HttpClient
from mailhouse.http.limits import Lane, Limits, Quota, limits_of
from mailhouse.http.traffic import Traffic, traffic_of
from mailhouse.http.waiting import pause, retry_after, until_reset
from mailhouse.redaction import redacted

__all__ = [
    "Answer",
    "CallBudgetSpent",
    "HttpClient",
    "Lane",
    "Limits",
    "OutcomeUnknown",
    "Quota",
    "Traffic",
    "limits_of",
    "pause",
    "redacted",
    "retry_after",
    "traffic_of",
    "until_reset",
]
