"""Records acts one after the other until it is killed, and says each id once it is told that the act was taken."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from mailhouse.clock import FixedClock
from mailhouse.consent import ConsentAct, Inbox


def main(path: str, name: str, count: str) -> None:
    inbox, clock = Inbox(Path(path)), FixedClock(datetime(2026, 5, 1, tzinfo=UTC))
    for number in range(int(count)):
        clock.sleep(1)
        act = ConsentAct("withdraw", f"{name}{number}@mail.example", "test", event_id=f"{name}-{number}")
        inbox.record([act], clock)
        print(act.event_id, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
