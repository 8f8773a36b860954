"""The audit trail: who did what that matters to people and when, append-only, chained by hashes, without personal data."""

from mailhouse.audit.subjects import forget, subject_of
from mailhouse.audit.trail import Entry, Trail
from mailhouse.audit.verify import Verdict, verify

__all__ = ["Entry", "Trail", "Verdict", "forget", "subject_of", "verify"]
