"""Files that SendGrid's storage would serve: exports and errors of jobs, to whoever has the address, for a while."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.sendgrid_words import FILES, fresh
from mailhouse.sandbox.store import Row
from mailhouse.sandbox.wire import Call, Reply

FILE = "sendgrid.file"
EXPIRED = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"


class Files:
    """Compressed with gzip where the name says so; an address ends after `file_seconds`."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime, self.store = runtime, runtime.store
        # files that an earlier server made have no known age on this one's scale: they count as new
        self._made: dict[str, float] = {}

    def put_table(
        self, name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], at: str, ending: str = ".csv"
    ) -> str:
        """A table with a heading as CSV; gives back the file's id."""
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return self.put(name + ending, text.getvalue(), at)

    def put(self, name: str, text: str, at: str) -> str:
        """A text under a name; gives back the file's id."""
        identifier = fresh(self.store, "file")(1)()
        self.store.put(FILE, Row(identifier, {"name": name, "text": text}, at, at))
        self._made[identifier] = self.runtime.ticks.now()
        return identifier

    def url(self, call: Call, identifier: str) -> str:
        """Where a file is to be had."""
        row = self.store.get(FILE, identifier)
        return f"{call.base_url}{FILES}{identifier}/{row.body['name'] if row else 'gone'}"

    def serve(self, call: Call) -> Reply:
        """GET: as a storage answers, and 403 when the address has expired."""
        identifier = call.params["id"]
        row = self.store.get(FILE, identifier)
        now = self.runtime.ticks.now()
        made = self._made.setdefault(identifier, now)
        if row is None or now > made + self.runtime.limits["sendgrid"]["file_seconds"]:
            return Reply(403, EXPIRED, media="application/xml")
        content = row.body["text"].encode()
        if row.body["name"].endswith(".gzip"):
            return Reply(200, gzip.compress(content, mtime=0), media="application/gzip")
        return Reply(200, content, media="text/csv")
