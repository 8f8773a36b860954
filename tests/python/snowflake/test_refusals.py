"""What Snowflake says when something is missing, as it says it, and the one line that is made of it."""

import pytest
from snowflake.connector.errors import DatabaseError, OperationalError, ProgrammingError

from mailhouse.snowflake.refusals import refused

TARGET = {
    "account": "acme-eu",
    "user": "builder",
    "role": "transformer",
    "database": "mailhouse",
    "warehouse": "transforming",
    "password": "open sesame",
}


def line(text: str, kind: type[DatabaseError] = ProgrammingError) -> str:
    return str(refused(kind(text, errno=2003, sqlstate="02000"), TARGET))


SAID = {
    "Role 'LOADER' specified in the connect string does not exist or not authorized. Contact your local system administrator, or"
    " attempt to login with another role, e.g. PUBLIC.": (
        "the role LOADER is not there, or not for the user builder",
        "`grant role LOADER to user builder`",
    ),
    "SQL access control error:\nInsufficient privileges to operate on schema 'RAW_HUBSPOT'": (
        "the role transformer may not do this on the schema RAW_HUBSPOT",
        "`grant usage on schema RAW_HUBSPOT to role transformer`",
    ),
    "SQL compilation error:\nObject 'MAILHOUSE.RAW_HUBSPOT.CONTACTS' does not exist or not authorized.": (
        "the object MAILHOUSE.RAW_HUBSPOT.CONTACTS is not there, or not for the role transformer",
        "`grant select on object",
    ),
    "SQL compilation error:\nDatabase 'ELSEWHERE' does not exist or not authorized.": (
        "the database ELSEWHERE is not there",
        "`grant usage on database ELSEWHERE to role transformer`",
    ),
    "SQL compilation error:\nSchema 'MAILHOUSE.RAW_HUBSPOT' does not exist or not authorized.": (
        "the schema MAILHOUSE.RAW_HUBSPOT is not there",
        "`grant usage on schema MAILHOUSE.RAW_HUBSPOT to role transformer`",
    ),
    "Cannot perform SELECT. This session does not have a current database. Call 'USE DATABASE', or use a qualified name.": (
        "the database mailhouse is not there, or not for the role transformer",
        "`grant usage on database mailhouse to role transformer`",
    ),
    "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' command.": (
        "the warehouse transforming is not there, or not for the role transformer",
        "`grant usage on warehouse transforming to role transformer`",
    ),
    "JWT token is invalid. [9f8e7d6c-0000-4000-8000-000000000000]": (
        "Snowflake does not know the user builder by this key or password",
        "SNOWFLAKE_PRIVATE_KEY_PATH",
    ),
    "Incorrect username or password was specified.": (
        "Snowflake does not know the user builder by this key or password",
        "SNOWFLAKE_PASSWORD",
    ),
}


@pytest.mark.parametrize("text", SAID)
def test_what_is_missing_is_named_with_the_grant(text: str) -> None:
    said, next_step = SAID[text]
    found = line(text)
    assert found.startswith(said)
    assert next_step in found
    assert "\n" not in found and "docs/snowflake.md" in found and TARGET["password"] not in found


def test_an_account_that_cannot_be_reached_is_named() -> None:
    found = line("Could not connect to Snowflake backend after 2 attempt(s). Aborting", OperationalError)
    assert found.startswith("the account acme-eu cannot be reached; look at SNOWFLAKE_ACCOUNT")


@pytest.mark.parametrize(
    "text",
    [
        "Numeric value 'Ada Lovelace' is not recognized",
        'Duplicate row detected during DML action Row Values: ["Ada Lovelace", 12]',
        "Date 'Ada Lovelace' is not recognized\n  File 'contacts.parquet', line 3\n  Row 2, column \"CONTACTS\"[\"EMAIL\":7]",
    ],
)
def test_a_value_in_quotes_never_comes_out(text: str) -> None:
    found = line(text)
    assert found.startswith("Snowflake refused: ") and "\n" not in found
    assert "Ada" not in found and "02000" not in found


def test_an_address_never_comes_out() -> None:
    assert "ada@example.com" not in line("Failed to cast variant value ada@example.com to FIXED")
