"""Mailhouse: the customer warehouse behind an e-mail programme."""

__version__ = "0.1.0"
