"""The stand-in itself: what it must do as Snowflake does, so that a slow machine does not look like a difference."""

import json
import urllib.request

from snowflake.connector import SnowflakeConnection

from tests.python.parity.server import DATABASE, StandIn


def send(standin: StandIn, connection: SnowflakeConnection, number: str, statement: str) -> bool:
    """One request as the connector makes it, under a number of our own; whether it went well."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{standin.port}/queries/v1/query-request?requestId={number}",
        data=json.dumps({"sqlText": statement}).encode(),
        headers={"Authorization": f'Snowflake Token="{connection.rest.token}"', "Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())["success"]


def test_a_statement_that_is_sent_again_is_run_once(standin: StandIn) -> None:
    with standin.session(database=DATABASE) as connection:
        cursor = connection.cursor()
        cursor.execute(f"create schema {DATABASE}.sent")
        cursor.execute(f"create table {DATABASE}.sent.numbers (number bigint)")
        insert = f"insert into {DATABASE}.sent.numbers values (1)"
        assert [send(standin, connection, number, insert) for number in ("first", "first", "second")] == [True, True, True]
        assert cursor.execute(f"select count(*) from {DATABASE}.sent.numbers").fetchall() == [(2,)]
