"""How Klaviyo refuses a call as a whole, and which rows it names."""

from collections.abc import Mapping, Sequence

from mailhouse.destinations.base import Change
from mailhouse.destinations.isolating import RefusedWhole
from mailhouse.destinations.klaviyo import wire
from mailhouse.http import Answer, HttpClient

REFUSED = (400, 404, 409, 413, 422)


def refused_whole(client: HttpClient, answer: Answer, changes: Sequence[Change]) -> RefusedWhole:
    """The refusal of a call, with the rows that its errors point at."""
    errors = answer.body.get("errors") if isinstance(answer.body, Mapping) else None
    at_fault = wire.rows_at_fault(errors, len(changes))
    rows = {changes[at].key: wire.refusal(changes[at].key, error) for at, error in at_fault.items()}
    return RefusedWhole(f"http_{answer.status}", client.detail(answer), rows, answer.status)
