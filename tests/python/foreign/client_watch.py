"""Judges what our clients ask of a Klaviyo that is no sandbox: the small fakes that tests make up to be lied to.

Both HTTP libraries that our clients use are watched where a request leaves them. A sandbox says of each answer that its judge
has seen the exchange; what comes back without that word, or not at all, is judged here, the request alone.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import requests

from mailhouse.sandbox.judging import JUDGED, Exchange
from tests.python.foreign.openapi_judge import klaviyo, written_down

SCHEME = "Klaviyo-API-Key"


def judge_request(method: str, url: str, headers: Mapping[str, Any], body: Any) -> None:
    """Judges one request that no sandbox has seen."""
    judge, parts = klaviyo(), urlsplit(str(url))
    own = {str(name).lower(): str(value) for name, value in headers.items()}
    if judge is None or not own.get("authorization", "").startswith(SCHEME):
        return
    path = parts.path[max(parts.path.find("/api/"), 0) :]
    content = body.encode() if isinstance(body, str) else bytes(body or b"")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    written_down(judge(Exchange("klaviyo", method.upper(), path, query, own, content, 0, "", b"", answer_is_bent=True)))


def watch() -> None:
    """Watches both libraries for the rest of this process."""
    if not getattr(requests.Session.send, "is_watched", False):
        requests.Session.send = _watched_send(requests.Session.send)  # type: ignore[method-assign]
        aiohttp.ClientSession._request = _watched_request(aiohttp.ClientSession._request)  # type: ignore[method-assign]


def _watched_send(send: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
    def watched(self: requests.Session, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        answer = None
        try:
            answer = send(self, request, **more)
            return answer
        finally:
            if answer is None or JUDGED not in answer.headers:
                judge_request(str(request.method), str(request.url), request.headers, request.body)

    watched.is_watched = True  # type: ignore[attr-defined]
    return watched


def _watched_request(send: Callable[..., Any]) -> Callable[..., Any]:
    async def watched(self: aiohttp.ClientSession, method: str, url: Any, **more: Any) -> aiohttp.ClientResponse:
        answer = None
        try:
            answer = await send(self, method, url, **more)
            return answer
        finally:
            if answer is None or JUDGED not in answer.headers:
                headers = {**self.headers, **(more.get("headers") or {})}
                body = more.get("data") if more.get("json") is None else json.dumps(more["json"])
                full = requests.Request("GET", str(url), params=more.get("params")).prepare().url
                judge_request(method, str(full), headers, body)

    return watched
