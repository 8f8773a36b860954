"""What is the same wherever records belong to the account as a whole, and a list is a membership."""

from collections.abc import Mapping, Sequence

from mailhouse.http import HttpClient


def place(audience: str, tag: str) -> tuple[str, str]:  # noqa: ARG001
    """Where a segment's people live, and what they join: the one container '', and the list that `audience` names."""
    return "", audience


class WholeAccount:
    """What every such `Destination` says of itself in the same way."""

    def __init__(self, client: HttpClient) -> None:
        self.name = client.name
        self.limits = client.limits
        self._client = client

    def counts(self) -> Mapping[str, int]:
        return dict(self._client.calls)

    async def containers(self) -> Sequence[str]:
        return ("",)
