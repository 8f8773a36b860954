"""Taking over an account that somebody else filled: look at it, adopt what is right there, and go back if need be."""

from mailhouse.takeover.files import write_files
from mailhouse.takeover.inspect import Inspection, inspect

__all__ = ["Inspection", "inspect", "write_files"]
