"""What a session of the stand-in must do otherwise so that dbt-snowflake can work with it.

Everything here is a lack of the stand-in, never of Snowflake; docs/snowflake.md lists it with the reasons.
"""

from typing import Any

import duckdb
import fakesnow.conn
import fakesnow.transforms
import rewriting
import snowflake.connector.errors
import sqlglot
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.instance import FakeSnow
from fakesnow.params import MutableParams
from sqlglot import Expr, exp

# Statements that are taken and do nothing: there are no transactions, roles, warehouses, policies or tags to keep.
COMMENTS = r"^(?:\s|--[^\n]*\n|/\*.*?\*/)*"
IGNORED = [
    COMMENTS + r"(begin|commit|rollback|start\s+transaction)\b",
    COMMENTS + r"(grant|revoke)\b",
    COMMENTS + r"alter\s+session\s+(set|unset)\b",
    COMMENTS + r"use\s+warehouse\b",
    COMMENTS + r"alter\s+(table|view|schema|tag)\b.*\bset\s+(tag|masking)\b",
    COMMENTS + r"alter\s+masking\s+policy\b",
    COMMENTS + r"create\s+(tag|masking\s+policy)\b",
]


class Cursor(FakeSnowflakeCursor):
    """Takes several statements in one call, mends each, and answers with an error where it would break."""

    def execute(self, command: str, *args: Any, **options: Any) -> FakeSnowflakeCursor:
        try:
            for statement in [command] if options.get("binding_params") else statements(command):
                super().execute(statement, *args, **options)
        except (duckdb.Error, AssertionError, NotImplementedError, ValueError) as error:
            # left alone it is an HTTP 500, which the connector takes for a moment's trouble and tries again for ever
            message = f"{type(error).__name__}: {error}"
            raise snowflake.connector.errors.ProgrammingError(msg=message, errno=9999, sqlstate="99999") from error
        return self

    def _transform(self, expression: Expr, params: MutableParams | None) -> Expr:
        return super()._transform(rewriting.rewritten(expression), params)

    def _transform_explode(self, expression: Expr) -> list[Expr]:
        if isinstance(expression, exp.Merge):
            rewriting.qualify_inserted(expression)
        return super()._transform_explode(expression)


def statements(command: str) -> list[str]:
    """The statements of a command, as Snowflake's own connector would send them one by one."""
    try:
        tokens = sqlglot.tokenize(command, read="snowflake")
    except sqlglot.errors.TokenError:
        return [command]
    found, begin = [], 0
    for token in tokens:
        if token.token_type is sqlglot.TokenType.SEMICOLON:
            found.append(command[begin : token.start])
            begin = token.end + 1
    found.append(command[begin:])
    return [statement for statement in found if statement.strip()] or [command]


def behave_as_dbt_expects(shared: FakeSnow) -> None:
    """Give every session to come this cursor, and the statements that it may ignore."""
    fakesnow.conn.FakeSnowflakeCursor = Cursor
    # it would add up everything as floating point numbers, so that text could be added up too; money must stay exact
    fakesnow.transforms.numeric_agg_implicit_cast = lambda expression: expression
    shared.nop_regexes = IGNORED
    shared.create_database_on_connect = False  # Snowflake makes nothing because somebody connects
    shared.create_schema_on_connect = False
