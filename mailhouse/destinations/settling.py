"""Reading a membership back until what is listed and what is counted agree."""

from collections.abc import Awaitable, Callable, Sized
from typing import TypeVar

from mailhouse.http import HttpClient, pause

FIRST_PAUSE = 0.5
Listed = TypeVar("Listed", bound=Sized)


async def until_agreed(
    client: HttpClient, listed: Callable[[], Awaitable[Listed]], counted: Callable[[], Awaitable[int]]
) -> tuple[Listed, int]:
    """Who is listed and how many are counted, once the two agree or the client's settle time is over; raises what they raise."""
    limits, clock, wait = client.limits, client.clock, FIRST_PAUSE
    began = clock.elapsed()
    there, count = await listed(), await counted()
    while count != len(there) and clock.elapsed() - began < limits.settle_time:
        await pause(clock, wait)
        wait = min(limits.settle_pause, wait * 2)
        there, count = await listed(), await counted()
    return there, count
