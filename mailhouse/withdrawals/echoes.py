"""Refusals that come back from a system that was told of them, where its records do not say since when somebody refuses.

Such a record's last change stands in for the time of its refusal, and it may have changed for any reason since. Taken at its
word the refusal would be newer than a person's later yes; taken for ours it might hide a new no. So the system is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailhouse.withdrawals.base import Withdrawal, Writer
from mailhouse.withdrawals.journal import CLOCKS, WithdrawalJournal


@dataclass(frozen=True)
class Echo:
    """A refusal that a system acknowledged, and whose record has changed since it was last known to be ours."""

    withdrawal: Withdrawal
    acknowledged_at: datetime
    changed_at: datetime


async def confirm_echoes(writer: Writer, echoes: Sequence[Echo], journal: WithdrawalJournal) -> None:
    """Ask since when each refuses: set when we told it, it is still ours; set later, it is an act of the person's own.

    Raises what the writer does: until it has been asked, a changed record's refusal counts as one of its own.
    """
    if not echoes:
        return
    since = await writer.refused_since([echo.withdrawal.address for echo in echoes])
    for echo in echoes:
        moment = since.get(echo.withdrawal.address)
        if moment is None:
            # not refused any more: the next landing shows it as it is
            continue
        if moment <= echo.acknowledged_at + CLOCKS:
            journal.still_holds(echo.withdrawal, echo.changed_at)
        else:
            journal.end_of_echo(echo.withdrawal, moment)
