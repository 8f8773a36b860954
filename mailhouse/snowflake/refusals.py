"""What Snowflake refuses, in one line: which role, database, warehouse or grant is missing, and how to get it."""

import re
from collections.abc import Mapping
from typing import Any

from snowflake.connector.errors import Error as SnowflakeError
from snowflake.connector.errors import OperationalError

from mailhouse.errors import SnowflakeRefused
from mailhouse.redaction import redacted

SEE = "see docs/snowflake.md"
NO_SUCH_ROLE = re.compile(r"role '(?P<name>[^']+)' specified in the connect string", re.IGNORECASE)
NO_PRIVILEGE = re.compile(r"insufficient privileges to operate on (?P<kind>[\w ]+?) '(?P<name>[^']+)'", re.IGNORECASE)
NOT_THERE = re.compile(
    r"(?P<kind>database|schema|warehouse|table|stage|object) '?(?P<name>[\w.$\"]+)'? does not exist", re.IGNORECASE
)
# signing in to a database that is not there goes well, and the first statement does not
NO_DATABASE = re.compile(r"does not have a current database", re.IGNORECASE)
NO_WAREHOUSE = re.compile(r"no active warehouse selected", re.IGNORECASE)
WRONG_KEY = re.compile(r"jwt token is invalid|incorrect username or password", re.IGNORECASE)
NUMBERS = re.compile(r"^\d+( \(\w+\))?: ")  # of the error and of its kind
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
# the right that a thing is used by, where it is another than `usage`
RIGHTS = {"table": "select", "stage": "read, write", "object": "select"}


def refused(error: SnowflakeError, target: Mapping[str, Any]) -> SnowflakeRefused:
    """The error in one line that holds no value of a row; `target` is what profiles.yml says, rendered."""
    said = NUMBERS.sub("", " ".join(str(error.msg or error).split()))
    role = target.get("role", "the user's role")
    if match := NO_SUCH_ROLE.search(said):
        name = match["name"]
        return SnowflakeRefused(
            f"the role {name} is not there, or not for the user {target.get('user')}; make it,"
            f" or `grant role {name} to user {target.get('user')}` ({SEE})"
        )
    if match := NO_PRIVILEGE.search(said):
        kind, name = match["kind"].lower(), match["name"]
        return SnowflakeRefused(
            f"the role {role} may not do this on the {kind} {name}; run `dbt run-operation set_up_roles`, or"
            f" `grant {RIGHTS.get(kind, 'usage')} on {kind} {name} to role {role}` ({SEE})"
        )
    if match := NOT_THERE.search(said):
        return absent(match["kind"].lower(), match["name"].strip("'\""), target)
    for kind, pattern in (("database", NO_DATABASE), ("warehouse", NO_WAREHOUSE)):
        if pattern.search(said):
            return absent(kind, str(target.get(kind, "")), target)
    if WRONG_KEY.search(said):
        return SnowflakeRefused(
            f"Snowflake does not know the user {target.get('user')} by this key or password; look at"
            f" SNOWFLAKE_PRIVATE_KEY_PATH or SNOWFLAKE_PASSWORD ({SEE})"
        )
    if isinstance(error, OperationalError):
        return SnowflakeRefused(
            f"the account {target.get('account')} cannot be reached; look at SNOWFLAKE_ACCOUNT and the network"
        )
    # what stands in quotes may be a value of a row
    return SnowflakeRefused(f"Snowflake refused: {redacted(QUOTED.sub('…', said))}; run again with --debug to see more")


def absent(kind: str, name: str, target: Mapping[str, Any]) -> SnowflakeRefused:
    """A thing that is not there, or that the role cannot see: Snowflake does not say which."""
    role = target.get("role", "the user's role")
    return SnowflakeRefused(
        f"the {kind} {name} is not there, or not for the role {role}; make it,"
        f" or `grant {RIGHTS.get(kind, 'usage')} on {kind} {name} to role {role}` ({SEE})"
    )
