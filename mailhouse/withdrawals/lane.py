"""A client whose every call has the right of way: past the breaker, a spent budget and whoever waits for a connection."""

from collections.abc import Mapping
from typing import Any

from mailhouse.clock import Clock
from mailhouse.errors import VendorUnreachable
from mailhouse.http import Answer, HttpClient, OutcomeUnknown, pause

# so often a question is put again that may change nothing
QUESTIONS = 4


class RightOfWay:
    """One account's client for withdrawals alone; answers and errors are those of the client itself."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self.name = client.name

    @property
    def clock(self) -> Clock:
        return self._client.clock

    async def read(self, path: str, template: str, params: Mapping[str, str | int] | None = None) -> Answer:
        return await self._client.read(path, template, params, lane="withdrawal")

    async def write(self, method: str, path: str, template: str, body: Any) -> Answer:
        """Every withdrawal may be sent twice without harm: the second one finds it done."""
        return await self._client.write(method, path, template, body, lane="withdrawal")

    async def ask(self, path: str, template: str, body: Any) -> Answer:
        """A question that is put as a POST: asked again whatever went wrong. Raises VendorUnreachable, CredentialsRejected."""
        for attempt in range(QUESTIONS):
            try:
                return await self.write("POST", path, template, body)
            except OutcomeUnknown as unknown:
                unanswered = unknown
            await pause(self.clock, 2**attempt)
        raise VendorUnreachable(f"{self.name}: POST {template}: is not answered; run again later") from unanswered

    def detail(self, answer: Answer) -> str:
        return self._client.detail(answer)

    def counts(self) -> Mapping[str, int]:
        """Calls made so far by `METHOD path-template status`."""
        return dict(self._client.calls)
