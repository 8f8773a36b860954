"""Tokens that end: renewed in time, once for all processes, and safe against a process that dies at any moment of it."""

import asyncio
import multiprocessing
import os
import signal

import pytest

from mailhouse.clock import SystemClock
from mailhouse.destinations.hubspot.account import connect
from mailhouse.errors import CredentialsRejected
from mailhouse.oauth import tokens
from mailhouse.oauth.browser import granted
from tests.python.oauth.conftest import user

CLOCK = SystemClock()
WORKERS = 6


@pytest.fixture
def connection(portal):
    """A connection that was granted access, and whose access token has ended since."""
    made = portal.connection()
    portal.grants().save(made.id, granted(made, user(), CLOCK, port=0))
    portal.end(made)
    portal.runtime.calls.clear()
    return made


def in_a_process(work, *arguments) -> int:
    """How a child that does this ends: its exit code, or the negative number of the signal that ended it."""
    child = multiprocessing.get_context("fork").Process(target=work, args=arguments)
    child.start()
    child.join(60)
    assert child.exitcode is not None
    return child.exitcode


def ask(connection, queue) -> None:
    queue.put(tokens.access_token(connection))


def renew_and_die(connection, point: str) -> None:
    os.environ["MAILHOUSE_CRASH_AT"] = point
    tokens.access_token(connection)


def test_an_ended_token_is_renewed_and_the_old_refresh_token_is_kept_until_the_new_one_is_used(portal, connection):
    before = portal.grants().get(connection.id)
    token = connection.secret("token")
    after = portal.grants().get(connection.id)
    assert token == after.access_token != before.access_token
    assert after.previous == before.refresh_token != after.refresh_token
    assert set(after.scopes) == set(before.scopes)
    assert portal.accepts(token)
    assert connection.secret("token") == token
    assert portal.asked("/token") == 1


def test_many_workers_renew_it_once(portal, connection):
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    workers = [context.Process(target=ask, args=(connection, queue)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    found = {queue.get() for _ in workers}
    for worker in workers:
        worker.join(60)
    assert len(found) == 1
    assert portal.asked("/token") == 1
    assert portal.accepts(found.pop())


@pytest.mark.parametrize("point", ["oauth.granted", "oauth.kept"])
def test_whoever_dies_while_renewing_leaves_a_grant_that_the_next_one_gets_on_with(portal, connection, point):
    before = portal.grants().get(connection.id)
    assert in_a_process(renew_and_die, connection, point) == -signal.SIGKILL
    kept = portal.grants().get(connection.id)
    assert (kept.refresh_token == before.refresh_token) == (point == "oauth.granted")
    tokens.forget(connection)
    assert portal.accepts(connection.secret("token"))
    # and once more, after the rotation that this was
    portal.end(connection)
    assert portal.accepts(connection.secret("token"))


def test_where_the_newer_refresh_token_is_worth_nothing_the_one_before_is_tried(portal, connection):
    connection.secret("token")
    kept = portal.end(connection)
    state = portal.runtime.store.meta_get("hubspot.oauth")
    del state["refresh"][kept.refresh_token]
    portal.runtime.store.meta_set("hubspot.oauth", state)
    assert portal.accepts(connection.secret("token"))


def test_a_grant_that_was_taken_back_says_what_to_do(portal, connection):
    portal.runtime.store.meta_set("hubspot.oauth", {"codes": {}, "refresh": {}, "access": {}})
    with pytest.raises(CredentialsRejected, match="the grant has ended; run `mailhouse connect hubspot`"):
        connection.secret("token")


def test_a_lost_answer_to_a_renewal_is_asked_for_again(portal, connection):
    portal.runtime.faults.replace([{"vendor": "hubspot", "path_contains": "/token", "do": "timeout_after_apply", "seconds": 0.1}])
    assert portal.accepts(connection.secret("token"))


def test_a_token_that_ends_in_the_middle_of_a_sync_is_renewed_between_two_calls(portal, connection):
    # a life shorter than what a token must have left to be used: each call asks for another one
    portal.runtime.limits.change({"hubspot": {"token_seconds": 60}})

    async def twice() -> None:
        async with connect(connection, CLOCK) as account:
            await account.actual("", "nobody's list")
            await account.actual("", "another list")

    asyncio.run(twice())
    statuses = {one["path"]: one["statuses"] for one in portal.runtime.calls.as_json()["calls"] if "name" in one["path"]}
    assert list(statuses.values()) == [{"404": 2}]
    assert portal.asked("/token") >= 2
