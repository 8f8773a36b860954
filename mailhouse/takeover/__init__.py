"""Taking over an account that somebody else filled: look at it, adopt what is right there, and go back if need be."""

from mailhouse.takeover.adopt import Adoption, look, record
from mailhouse.takeover.files import write_files
from mailhouse.takeover.inspection import Inspection, inspect
from mailhouse.takeover.revert import Revert, carry_out, plan_back

__all__ = ["Adoption", "Inspection", "Revert", "carry_out", "inspect", "look", "plan_back", "record", "write_files"]
