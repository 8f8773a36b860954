"""Mailhouse on Snowflake: what was built there is fetched for the sync, and what the sync did is kept there."""

import warnings

# its connector carries an old copy of requests, which doubts versions of libraries that it works well with
warnings.filterwarnings("ignore", message=".*doesn't match a supported version", module="snowflake.connector.vendored")
