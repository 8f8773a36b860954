"""What landing takes does not grow with the number of rows: ten times the order lines, a quarter more memory at the most."""

import csv
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from flows.demo import serving
from mailhouse import sandbox
from mailhouse.settings import child_environment
from tests.python.chain.conftest import ROOT, settings_in

LAND = """
import sys
from pathlib import Path
from ingestion.landing import land
from mailhouse.clock import SystemClock
from mailhouse.settings import load_settings
settings = load_settings(Path(sys.argv[1]), project=Path(sys.argv[2]))
assert {one.error for one in land(settings, SystemClock())} == {None}
# the peak of this address space: what getrusage tells begins with the peak of the process that started this one
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""
LINES_PER_ORDER = 20


def orders_file(path: Path, lines: int) -> Path:
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(
            ["order_id", "customer_ref", "ordered_at", "sku", "product_title", "quantity", "unit_price", "currency", "country"]
        )
        for number in range(lines):
            order = number // LINES_PER_ORDER
            at = datetime(2025, 1, 1) + timedelta(minutes=order)
            sku = number % 997
            writer.writerow(
                [order, f"c{order % 5000}", at.isoformat(), f"s{sku}", f"Thing {sku}", 1 + number % 3, "4.25", "EUR", "DE"]
            )
    return path


def peak(directory: Path, lines: int) -> int:
    """Kilobytes that a process of its own took at most while it landed that many order lines."""
    settings = settings_in(directory / str(lines))
    sandbox.create(settings.sandbox_dir, seed=1, customers=5_000, orders_file=orders_file(directory / f"{lines}.csv", lines))
    with serving(settings) as live:
        command = [sys.executable, "-c", LAND, str(live.workdir), str(ROOT)]
        done = subprocess.run(command, cwd=ROOT, env=child_environment(), capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.torture
def test_ten_times_the_lines_take_no_more_than_a_quarter_more_memory(tmp_path):
    small, large = peak(tmp_path, 50_000), peak(tmp_path, 500_000)
    print(f"landing 50,000 lines: {small / 1024:,.0f} MB; 500,000 lines: {large / 1024:,.0f} MB; ratio {large / small:.2f}")
    assert large <= 1.25 * small
