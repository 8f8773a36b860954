"""What comes back from a vendor: an answer that can be believed, or the knowledge that there is none."""

from dataclasses import dataclass
from typing import Any

from mailhouse.errors import MailhouseError


class OutcomeUnknown(MailhouseError):
    """A write was sent and its answer did not come or cannot be believed: read back before doing anything else."""


@dataclass(frozen=True)
class Answer:
    """A vendor's answer that can be believed: its status (below 500, never a throttle) and its JSON body, {} when empty."""

    status: int
    body: Any
