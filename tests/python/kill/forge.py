"""Runs syncs in children that may be killed: forked from a process that has imported everything and opened nothing.

Reads one JSON object a line: `{folder, url, keys, now, crash_at, log}`; answers one line: how the child ended.
"""

import json
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from mailhouse import destinations, sync
from mailhouse.clock import FixedClock
from mailhouse.destinations import Call, Outcome
from mailhouse.destinations.hubspot import batching as hubspot_batching
from mailhouse.destinations.klaviyo import arranging, batching
from mailhouse.destinations.mailchimp import wire
from mailhouse.destinations.sendgrid import batching as sendgrid_batching
from mailhouse.settings import Connection, Settings
from mailhouse.sync.journal import Journal
from mailhouse.warehouse import Warehouse
from tests.python.sync.both import SECRETS
from tests.python.sync.decided import DecidedLook

ROWS = 20
MEANT = sync.Approval("the test means it", "a test")


def small_calls() -> None:
    """Calls of a few rows, so that a run of a hundred people is one of many calls."""
    wire.BATCH_ROWS = wire.LEAVE_ROWS = ROWS
    rules = destinations._RULES["klaviyo"]
    room = arranging.Room(job_rows=ROWS, member_rows=ROWS)
    destinations._RULES["klaviyo"] = replace(rules, calls=partial(batching.calls, room=room))
    few = sendgrid_batching.Room(rows=ROWS, leave_rows=ROWS)
    rules = destinations._RULES["sendgrid"]
    destinations._RULES["sendgrid"] = replace(rules, calls=partial(sendgrid_batching.calls, room=few))
    in_small = partial(hubspot_batching.calls, rows=ROWS, member_rows=ROWS)
    destinations._RULES["hubspot"] = replace(destinations._RULES["hubspot"], calls=in_small)


def noted(log: Path) -> None:
    """Write down each row that is sent, and each that is acknowledged once that is committed."""
    sending, settled = Journal.sending, Journal.settled

    def note(kind: str, call: Call, keys: Sequence[str]) -> None:
        rows = [
            [
                kind,
                change.destination,
                call.action,
                call.container,
                change.key,
                sorted(change.add) or call.membership,
                change.fields,
            ]
            for change in call.changes
            if change.key in keys
        ]
        with log.open("a", encoding="utf-8") as file:
            file.write("".join(json.dumps(row) + "\n" for row in rows))

    def note_sending(self: Journal, call: Call, *more: Any) -> str:
        call_id = sending(self, call, *more)
        note("sent", call, [change.key for change in call.changes])
        return call_id

    def note_settled(self: Journal, call_id: str, call: Call, outcomes: Sequence[Outcome], *more: Any) -> None:
        settled(self, call_id, call, outcomes, *more)
        note("settled", call, [outcome.key for outcome in outcomes if outcome.status == "accepted"])

    Journal.sending, Journal.settled = note_sending, note_settled  # type: ignore[method-assign]


def connection(vendor: str, said: dict[str, Any]) -> Connection:
    name, secret = f"TEST_{vendor.upper()}_KEY", SECRETS.get(vendor, "api_key")
    limits = {"timeout": 1.0, "settle_time": 2.0, "connections": 2}
    url = f"{said['url']}/{vendor}"
    return Connection(vendor, vendor, url, {"limits": limits}, {secret: name}, {secret: said["keys"][vendor]})


def run(said: dict[str, Any]) -> bool:
    """Recover, plan and sync once; True when everything is in step."""
    small_calls()
    noted(Path(said["log"]))
    folder = Path(said["folder"])
    settings = Settings(folder, folder, {vendor: connection(vendor, said) for vendor in said["keys"]})
    clock, manifest = FixedClock(datetime.fromisoformat(said["now"])), folder / "target" / "manifest.json"
    with Warehouse(settings).write() as warehouse:
        context = sync.Context(settings, clock, warehouse, manifest, last_look=DecidedLook)
        sync.recover(context)
        return sync.sync(context, sync.plan(context, approval=MEANT)).ok


def main() -> None:
    for line in sys.stdin:
        said = json.loads(line)
        child = os.fork()
        if child == 0:
            os.environ["MAILHOUSE_CRASH_AT"] = said["crash_at"]
            trouble = os.open(said["log"] + ".trouble", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(trouble, 2)
            code = 3
            try:
                code = 0 if run(said) else 1
            finally:
                # the child ends without unwinding, so nobody else would print what went wrong
                if sys.exc_info()[0]:
                    traceback.print_exc()
                    sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(
            json.dumps({"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, "code": os.WEXITSTATUS(status)}),
            flush=True,
        )


if __name__ == "__main__":
    main()
