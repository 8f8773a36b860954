"""What has been done of an erasure, step by step, in `privacy.db`: whoever dies in the middle goes on where they stopped."""

import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from mailhouse.clock import Clock
from mailhouse.privacy.closure import Closure
from mailhouse.privacy.places import SURROGATE
from mailhouse.privacy.tombstones import EMAIL, PrivacyFile
from mailhouse.settings import Settings


@dataclass(frozen=True)
class Erasure:
    """One erasure under way: `surrogate` stands for the person in orders, `done` says what came of each step so far.

    `closure` is None until the person is resolved.
    """

    erasure_id: str
    surrogate: str
    began_at: datetime
    closure: Closure | None = None
    done: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """The erasures of one work directory. Raises StateUnreadable."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._file, self._clock = PrivacyFile(settings), clock

    def open(self, mailbox: str) -> Erasure:
        """The erasure of this mailbox that is under way, or a new one."""
        requested = self._file.keyed(EMAIL, mailbox)
        with self._file.opened() as file:
            row = file.execute(
                "select erasure_id, surrogate, began_at, closure from erasures where requested = ? and ended_at is null",
                [requested],
            ).fetchone()
            if row is None:
                row = (uuid.uuid4().hex, SURROGATE + secrets.token_hex(12), _stamp(self._clock), None)
                file.execute(
                    "insert into erasures (erasure_id, requested, surrogate, began_at, closure) values (?, ?, ?, ?, ?)",
                    [row[0], requested, *row[1:]],
                )
            steps = file.execute("select step, outcome from erasure_steps where erasure_id = ?", [row[0]]).fetchall()
        closure = Closure.from_json(row[3]) if row[3] else None
        done = {step: json.loads(outcome) for step, outcome in steps}
        return Erasure(row[0], row[1], datetime.fromisoformat(row[2]), closure, done)

    def resolved(self, erasure: Erasure, closure: Closure) -> Erasure:
        """Keep who the person is until the end of the erasure: after its first steps nothing else knows."""
        with self._file.opened() as file:
            file.execute("update erasures set closure = ? where erasure_id = ?", [closure.as_json(), erasure.erasure_id])
        return replace(erasure, closure=closure)

    def did(self, erasure: Erasure, step: str, outcome: Any) -> Erasure:
        """A step is done, with what came of it: counts and words that name nobody."""
        with self._file.opened() as file:
            file.execute(
                "insert or replace into erasure_steps values (?, ?, ?, ?)",
                [erasure.erasure_id, step, _stamp(self._clock), json.dumps(outcome)],
            )
        return replace(erasure, done={**erasure.done, step: outcome})

    def ended(self, erasure: Erasure) -> None:
        """All is done: who the person was is forgotten, what was done stays."""
        with self._file.opened() as file:
            file.execute(
                "update erasures set ended_at = ?, closure = null, receipt = ? where erasure_id = ?",
                [_stamp(self._clock), json.dumps(erasure.done), erasure.erasure_id],
            )


def _stamp(clock: Clock) -> str:
    return clock.now().astimezone(UTC).isoformat(timespec="microseconds")
