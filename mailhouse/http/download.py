"""Fetching a file from an address that a vendor gave: its storage's, which must never see the credentials."""

from urllib.parse import urlsplit

import aiohttp

from mailhouse.clock import Clock
from mailhouse.errors import MailhouseError, VendorUnreachable
from mailhouse.http.waiting import pause, timekeeper

ATTEMPTS, FIRST_WAIT = 4, 1.0
TIMEOUT = aiohttp.ClientTimeout(total=600.0, sock_connect=30.0)


class FileGone(MailhouseError):
    """The address of a file has expired, or never was one."""


async def download(name: str, url: str, base_url: str, clock: Clock) -> bytes:
    """The file's bytes; `name` is the connection's. Without encryption only from where the connection itself is asked.

    Raises FileGone, VendorUnreachable.
    """
    parts, base = urlsplit(url), urlsplit(base_url)
    if parts.scheme != "https" and (parts.scheme, parts.netloc) != (base.scheme, base.netloc):
        raise FileGone(f"{name}: a file lies at an address that is not encrypted; it is not fetched, look there")
    for attempt in range(ATTEMPTS):
        if attempt:
            await pause(clock, FIRST_WAIT * 2 ** (attempt - 1))
        try:
            with timekeeper(clock).calling():
                async with aiohttp.ClientSession(timeout=TIMEOUT) as session, session.get(url, allow_redirects=False) as answer:
                    if answer.status == 200:
                        return await answer.read()
                    status = answer.status
        except (TimeoutError, aiohttp.ClientError):
            continue
        if status in (403, 404, 410):
            raise FileGone(f"{name}: the address of a file is no longer good ({status}); run again, which asks for a new one")
    raise VendorUnreachable(f"{name}: a file cannot be fetched, {ATTEMPTS} attempts; run again later")
