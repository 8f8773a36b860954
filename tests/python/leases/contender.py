"""A process that wants a lease: `race` takes it again and again, `sleeper` holds it and writes when it is told to."""

import os
import random
import sys
import time
from pathlib import Path

import duckdb

from mailhouse.clock import SystemClock
from mailhouse.errors import LeaseHeld, LeaseLost
from mailhouse.leases import Leases
from mailhouse.sync.fencing import fence


def race(folder: Path, seed: str, rounds: str) -> None:
    """Hold it `rounds` times at random moments, with the only mark that says so: two marks at once are an error."""
    leases, chance = Leases(folder / "leases.db", SystemClock()), random.Random(seed)
    for _ in range(int(rounds)):
        time.sleep(chance.random() / 50)
        wait = chance.choice((None, 0.01, 30.0))
        try:
            with leases.hold("warehouse", "a contender", wait=wait) as lease:
                mark = os.open(folder / "mark", os.O_CREAT | os.O_EXCL)
                time.sleep(chance.random() / 100)
                lease.check()
                os.close(mark)
                (folder / "mark").unlink()
            print(lease.token, flush=True)
        except LeaseHeld:
            print("held", flush=True)


def sleeper(folder: Path) -> None:
    """Hold it, and on each line of input write to the warehouse with the token once got."""
    with Leases(folder / "leases.db", SystemClock()).hold("warehouse", "a sleeper") as lease:
        print(lease.token, flush=True)
        for _ in sys.stdin:
            try:
                with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
                    connection.begin()
                    fence(connection, lease.name, lease.token)
                    connection.execute("insert into written values (?)", [lease.token])
                    connection.commit()
                print("written", flush=True)
            except LeaseLost as error:
                print(error, flush=True)


if __name__ == "__main__":
    {"race": race, "sleeper": sleeper}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
