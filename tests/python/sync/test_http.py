"""The HTTP client: waits as it is told, gives up in time, tells nobody's secrets."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from aiohttp import web

from mailhouse.clock import FixedClock
from mailhouse.errors import CredentialsRejected, MalformedAnswer, VendorUnreachable
from mailhouse.http import HttpClient, Limits, OutcomeUnknown, redacted, retry_after

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SECRET = "s3cret-key-0001"


def speak(answers: list, asked: Callable, **limits):
    """Serve the answers in turn and let the client talk to them; returns (result or raised, times asked, client)."""
    clock = FixedClock(NOW)
    times: list[datetime] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        await request.read()
        times.append(clock.now())
        answer = answers[min(len(times), len(answers)) - 1]
        if callable(answer):
            return await answer(request)
        status, headers, body = answer
        return web.Response(status=status, headers=headers, body=body)

    async def run():
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        known = Limits(**{"connections": 2, "timeout": 5.0, **limits})
        client = HttpClient("esp", f"http://127.0.0.1:{port}", known, clock, headers={"Authorization": SECRET}, secrets=(SECRET,))
        try:
            async with client:
                return await asked(client), times, client
        except Exception as error:  # noqa: BLE001 - handed to the test, which says what it must be
            return error, times, client
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def read(client):
    return client.read("/thing", "/thing")


def write(client):
    return client.write("POST", "/thing", "/thing", {"a": 1})


GOOD = (200, {}, b'{"ok": true}')


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (" 12 ", 12.0),
        ("1.5", 1.5),
        ("Mon, 04 May 2026 12:00:30 GMT", 30.0),
        ("Mon, 04 May 2026 11:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("inf", None),
        ("nan", None),
        (None, None),
    ],
)
def test_retry_after_is_understood_in_all_its_forms(header, seconds):
    assert retry_after(header, NOW) == seconds


@pytest.mark.parametrize("status", [429, 503])
def test_no_call_is_made_before_the_time_the_vendor_named(status):
    result, times, _ = speak([(status, {"Retry-After": "40"}, b"{}"), GOOD], read)
    assert result.body == {"ok": True}
    assert times[1] - times[0] >= timedelta(seconds=40)
    assert times[1] - times[0] <= timedelta(seconds=42)


def test_a_date_counts_from_the_vendors_own_clock():
    headers = {"Date": "Fri, 01 Jan 2010 00:00:00 GMT", "Retry-After": "Fri, 01 Jan 2010 00:00:20 GMT"}
    _, times, _ = speak([(429, headers, b"{}"), GOOD], read)
    assert timedelta(seconds=20) <= times[1] - times[0] <= timedelta(seconds=22)


def test_a_wait_beyond_reason_is_given_up_at_once():
    error, times, _ = speak([(429, {"Retry-After": "86400"}, b"{}")], write)
    assert isinstance(error, VendorUnreachable)
    assert len(times) == 1


def test_attempts_are_bounded_and_waits_grow_within_full_jitter():
    error, times, _ = speak([(429, {}, b"{}")], read, attempts=5, first_wait=2.0)
    assert isinstance(error, VendorUnreachable)
    assert len(times) == 5
    for step, (earlier, later) in enumerate(pairwise(times)):
        assert later - earlier <= timedelta(seconds=2 * 2**step)


def test_a_bodyless_403_is_a_throttle_only_where_the_vendor_says_so():
    result, times, _ = speak([(403, {}, b""), GOOD], read, bodyless_403_is_throttle=True)
    assert result.status == 200
    assert len(times) == 2
    error, times, _ = speak([(403, {}, b""), GOOD], read)
    assert isinstance(error, CredentialsRejected)
    assert len(times) == 1


def test_a_refused_credential_is_not_tried_again_and_not_told():
    error, times, _ = speak([(401, {}, b'{"detail": "key s3cret-key-0001 is wrong"}')], write)
    assert isinstance(error, CredentialsRejected)
    assert len(times) == 1
    assert SECRET not in str(error)


def test_a_forbidden_call_says_why_without_addresses_or_secrets():
    body = b'{"title": "Forbidden", "detail": "jane.doe@example.test with s3cret-key-0001 may not, call +49 170 1234567"}'
    error, _, _ = speak([(403, {}, body)], write)
    assert isinstance(error, CredentialsRejected)
    assert "Forbidden" in str(error)
    for personal in ("jane", "@", SECRET, "170"):
        assert personal not in str(error)


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b'{"ok": tr', b"\xff\xfe"])
def test_nonsense_is_asked_again_when_reading_and_unknown_when_writing(body):
    result, times, _ = speak([(200, {}, body), GOOD], read)
    assert result.body == {"ok": True}
    assert len(times) == 2
    error, times, _ = speak([(200, {}, body), GOOD], write)
    assert isinstance(error, OutcomeUnknown)
    assert len(times) == 1
    error, _, _ = speak([(200, {}, body)], read, attempts=2)
    assert isinstance(error, MalformedAnswer)


def test_a_write_without_an_answer_is_unknown_and_a_read_is_asked_again():
    async def hang(request):
        await asyncio.sleep(0.8)
        return web.Response()

    error, times, _ = speak([hang, GOOD], write, timeout=0.2)
    assert isinstance(error, OutcomeUnknown)
    assert len(times) == 1
    result, times, _ = speak([hang, GOOD], read, timeout=0.2)
    assert result.status == 200
    assert len(times) == 2


def test_a_write_that_only_ever_failed_inside_the_vendor_is_unknown():
    error, times, _ = speak([(500, {}, b"{}")], write, attempts=3)
    assert isinstance(error, OutcomeUnknown)
    assert len(times) == 3


def test_a_redirect_is_not_followed():
    result, times, _ = speak([(302, {"Location": "http://169.254.169.254/"}, b"{}")], read)
    assert result.status == 302
    assert len(times) == 1


def test_the_rate_and_its_burst_are_kept():
    async def ten(client):
        await asyncio.gather(*(read(client) for _ in range(10)))

    _, times, client = speak([GOOD], ten, rate=2.0, burst=4, connections=10)
    assert client.calls == {"GET /thing 200": 10}
    # four at once, and the other six at two a second
    assert max(times) - NOW == timedelta(seconds=3)


def test_no_more_connections_than_the_vendor_allows():
    open_now, most = 0, 0

    async def slow(request):
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.02)
        open_now -= 1
        return web.json_response({})

    async def many(client):
        await asyncio.gather(*(read(client) for _ in range(12)))

    speak([slow], many, connections=3)
    assert most == 3


def test_redaction_keeps_the_sense_and_drops_the_person():
    said = redacted("ann+x@exämple.test and bob%40example.test were refused, id 42", ())
    assert said == "<address> and <address> were refused, id 42"
