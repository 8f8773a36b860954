"""Why one person is, or is not, where they are: everything that is known of one address, in one answer."""

from mailhouse.explain.person import Explanation, explain, explain_published
from mailhouse.explain.tables import tables

__all__ = ["Explanation", "explain", "explain_published", "tables"]
