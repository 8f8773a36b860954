"""A believable company for the sandbox: `seed` founds it, `advance` lets days pass.

Deterministic per seed: the same arguments give the same records, ids and times on every machine.
"""

from mailhouse.sandbox.company.advance import advance
from mailhouse.sandbox.company.seed import seed
from mailhouse.sandbox.company.summary import Summary

__all__ = ["Summary", "advance", "seed"]
