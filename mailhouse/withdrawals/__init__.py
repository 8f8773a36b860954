"""A withdrawal is a write: every connected system that can mail a person who said no is told so, with a receipt from each."""

from mailhouse.withdrawals.hearing import Hearing
from mailhouse.withdrawals.run import SystemResult, WithdrawalResult, tell

__all__ = ["Hearing", "SystemResult", "WithdrawalResult", "tell"]
