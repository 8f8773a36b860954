"""The reverse sync: desired less delivered is the plan; what is acknowledged is delivered; the receipt compares with actual."""

from mailhouse.sync import document
from mailhouse.sync.apply import DestinationResult, SyncResult
from mailhouse.sync.apply import apply as sync
from mailhouse.sync.audiences import read_audiences
from mailhouse.sync.context import Context
from mailhouse.sync.plan import AudiencePlan, Plan
from mailhouse.sync.plan import make_plan as plan
from mailhouse.sync.receipt import Receipt, reconcile
from mailhouse.sync.receipt import take_receipts as receipt
from mailhouse.sync.recover import Recovered, recover
from mailhouse.sync.stops import Approval, Stop
from mailhouse.sync.targets import Audience, ProfileModel, Targets

__all__ = [
    "Approval",
    "Audience",
    "AudiencePlan",
    "Context",
    "DestinationResult",
    "Plan",
    "ProfileModel",
    "Receipt",
    "Recovered",
    "Stop",
    "SyncResult",
    "Targets",
    "document",
    "plan",
    "read_audiences",
    "receipt",
    "reconcile",
    "recover",
    "sync",
]
