"""Groups of commands that are large enough for a file of their own; mailhouse/cli.py puts them together."""
