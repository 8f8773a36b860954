"""Killed anywhere, under any fault, and again during the recovery: nothing is lost and nothing happens twice."""

import json
import signal
from collections import Counter
from pathlib import Path

import pytest

from mailhouse import sync
from tests.python.kill.cases import Case, chosen, matrix, named
from tests.python.kill.conftest import Forge, Town

SOME = chosen(24)
ALL = matrix()


def rows(log: Path, kind: str) -> set[tuple[str, ...]]:
    """What the children sent, or what was acknowledged: destination, action, container, document, memberships, fields."""
    if not log.exists():
        return set()
    lines = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
    return {tuple(map(str, row[1:])) for row in lines if row[0] == kind}


def walk(case: Case, town: Town, forge: Forge) -> int:
    """One case from the first sync to the end; gives back how many times it was killed."""
    town.prepare(case.vendor)
    town.strike(case.vendor, case.fault)
    before, after = town.folder / "before.log", town.folder / "after.log"
    first = town.child(forge, case.vendor, before, case.point)
    assert first["code"] != 3, before.with_suffix(".log.trouble").read_text()
    in_flight = town.warehouse.execute("select count(distinct (call_id, document_key)) from reverse_sync.in_flight").fetchall()[
        0
    ][0]
    town.esp.control("POST", "/faults", [])
    ends = [first]
    if case.then:
        ends.append(town.child(forge, case.vendor, after, case.then))
    for _ in range(3):
        # what was refused, or is found to have been, waits for its hour; a vendor that failed for its half minute
        town.later(hours=3)
        ended = town.child(forge, case.vendor, after)
        assert ended["signal"] == 0
        plan = town.plan()
        if ended["code"] == 0 and plan.is_empty and town.count("attempts") == 0:
            break
    assert town.plan().is_empty
    result = sync.sync(town.context, town.plan())
    assert result.ok
    for one in sync.receipt(town.context, result.plan, result.run_id, with_fields=True):
        assert one.equal, (one.name, one.differences)
    assert town.count("in_flight") == 0
    # nothing that was acknowledged is sent again, and of the rest at most what was on its way
    assert rows(after, "sent") & rows(before, "settled") == set()
    if case.fault == "none" and not case.then:
        assert len(rows(after, "sent") & rows(before, "sent")) <= in_flight
    twice = Counter(
        (effect["effect"], effect["kind"], effect["subject"], effect["container"], json.dumps(effect["after"], sort_keys=True))
        for effect in town.esp.control("GET", "/effects")["effects"]
    )
    assert [effect for effect, count in twice.items() if count > 1] == []
    return sum(end["signal"] == signal.SIGKILL for end in ends)


@pytest.mark.parametrize("case", SOME, ids=lambda case: case.name)
def test_a_killed_sync_is_finished_by_the_next(case, town, forge):
    walk(case, town, forge)


def test_every_fault_every_esp_and_every_point_are_in_the_daily_choice():
    assert len(SOME) >= 24
    assert {case.vendor for case in SOME} == {case.vendor for case in ALL}
    assert {case.fault for case in SOME} == {case.fault for case in ALL}
    assert named(SOME) == named(ALL)
    assert sum(bool(case.then) for case in SOME) >= 3
    assert len(ALL) >= 300
    assert len(set(ALL)) == len(ALL)


@pytest.mark.torture
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_the_whole_matrix(case, town, forge):
    walk(case, town, forge)
