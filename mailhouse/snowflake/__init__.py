"""Mailhouse on Snowflake: what was built there is fetched for the sync, and what the sync did is kept there."""
