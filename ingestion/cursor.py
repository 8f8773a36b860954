"""How far each resource has been read: a moment per key in dlt's resource state, which is committed with the rows.

dlt's `incremental` moves by the greatest value it has seen in the rows. Our cursors must also come from before a long
listing began (a record changed behind our back while pages are read would otherwise be skipped for ever), there is one
for each list and campaign, and archived records are read whatever their age: so the value is kept here.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import dlt

from ingestion.fields import Fields

FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)


class Cursor:
    """The reading position of one resource (and one parent: a list, a campaign); only valid while dlt extracts it."""

    def __init__(self, resource: str, fields: Iterable[Fields], *, parent: str = "") -> None:
        self._resource = resource
        self._parent = parent
        state: dict[str, Any] = dlt.current.resource_state(resource)
        digest = "-".join(one.digest for one in fields)
        if state.get("listed_fields") != digest:
            # other fields than last time: everything is read once more, so that old rows are filled too
            state["read_until"] = {}
            state["listed_fields"] = digest

    @property
    def _moments(self) -> dict[str, str]:
        # looked up each time: a long reading goes into several packages, and each has its own copy of the state
        return dlt.current.resource_state(self._resource)["read_until"]

    @property
    def is_first(self) -> bool:
        """Whether nothing has been read yet with the fields of today."""
        return self._parent not in self._moments

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self._moments[self._parent]) if not self.is_first else FIRST_DAY

    def since(self, lag_seconds: float) -> datetime:
        """From where to read now: a little earlier than we got, for what the vendor shows late."""
        return max(FIRST_DAY, self.moment - timedelta(seconds=lag_seconds))

    def reach(self, moment: datetime) -> None:
        """Everything up to `moment` has been read; never goes backwards."""
        self._moments[self._parent] = max(self.moment, moment).isoformat()
