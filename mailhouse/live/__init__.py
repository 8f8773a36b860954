"""Looks at one account as it really is: what its credentials allow, and whether each kind of question is answered."""

from mailhouse.live.examine import examine_live

__all__ = ["examine_live"]
