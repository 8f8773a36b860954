"""What a vendor says of the end of its window, and where a file of its may be fetched from."""

import asyncio
from datetime import UTC, datetime

import pytest

from mailhouse.clock import FixedClock
from mailhouse.http.answers import used_up
from mailhouse.http.download import FileGone, download
from mailhouse.http.rates import Endpoint
from mailhouse.http.waiting import until_reset

NOW = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (str(EPOCH + 41), 41.0),
        (str(EPOCH - 5), 0.0),
        ("30", 30.0),
        ("0", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_the_end_of_a_window_is_a_moment_or_so_many_seconds(said, seconds):
    assert until_reset(said, NOW) == seconds


def test_the_last_call_of_a_window_says_so_by_the_vendor_s_own_clock():
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(EPOCH + 12), "Date": "Mon, 04 May 2026 06:00:02 GMT"}
    assert used_up(headers, datetime(2020, 1, 1, tzinfo=UTC)) == 10.0
    assert used_up({**headers, "X-RateLimit-Remaining": "3"}, NOW) is None
    assert used_up({}, NOW) is None


def test_an_endpoint_opens_again_although_times_are_no_whole_numbers():
    endpoint = Endpoint()
    began = 123.456789
    endpoint.close(began + 61.1)
    assert endpoint.wait(began, urgent=False) == pytest.approx(61.1)
    # a clock that counts microseconds can come no nearer
    assert endpoint.wait(round(began + 61.1 - 4e-7, 9), urgent=True) == 0.0


@pytest.mark.parametrize("url", ["http://elsewhere.example/file", "ftp://127.0.0.1/file", "file:///etc/hosts", "file"])
def test_a_file_is_fetched_only_encrypted_or_from_the_connection_itself(url):
    async def fetch() -> bytes:
        return await download("esp", url, "http://127.0.0.1:9/esp", FixedClock(NOW))

    with pytest.raises(FileGone, match="not encrypted"):
        asyncio.run(fetch())
