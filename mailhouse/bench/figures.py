"""The figures of `mailhouse bench sync`: all that was measured, the goals, and both as tables."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from mailhouse.bench.difference import DifferenceFigure, measure_difference
from mailhouse.bench.engine import WORK, EngineFigure, measure_engine
from mailhouse.bench.push import PushFigure, measure_push
from mailhouse.report import Table, number

# people a second through an ESP that costs nothing
RATES = {"mailchimp": 2_000, "klaviyo": 5_000}
LATENCY_RATIO, NOTHING_SECONDS, DIFFERENCE_RATIO = 2.5, 1.0, 8.0


@dataclass(frozen=True)
class Goal:
    """What is aimed at, what was measured by the clock on the wall and what by CPU (both in words), and whether each is enough.

    `by_cpu` is what our own CPU time allows, whoever else uses the machine; `measured` is '' where CPU alone is compared.
    """

    what: str
    measured: str
    is_met: bool
    by_cpu: str = ""
    is_met_by_cpu: bool | None = None


@dataclass(frozen=True)
class Figures:
    """Everything measured."""

    engine: tuple[EngineFigure, ...]
    push: tuple[PushFigure, ...]
    difference: DifferenceFigure | None

    @property
    def wrong(self) -> list[str]:
        """Every answer that is not as it should be, one line each."""
        lines = [f"{one.vendor}, {one.work}: {one.wrong}" for one in self.engine if one.wrong]
        lines += [f"{one.vendor}, the calls alone: {one.wrong}" for one in self.push if one.wrong]
        if self.difference and self.difference.wrong:
            lines.append(f"difference: {self.difference.wrong}")
        return lines

    def goals(self) -> list[Goal]:
        goals = [_engine_goal(one) for one in self.engine if not one.latency and one.work != WORK[0]]
        goals += [_push_goal(one) for one in self.push]
        if self.difference:
            people, ratio, hash_ratio = self.difference.people, self.difference.ratio, self.difference.hash_ratio
            for how, measured in (("md5", ratio), ("DuckDB's hash", hash_ratio)):
                what = f"difference of {people:,} people <= {DIFFERENCE_RATIO:g}x reading and hashing them ({how})"
                is_met = measured <= DIFFERENCE_RATIO
                goals.append(Goal(what, "", is_met, f"{measured:.1f}x", is_met))
        return goals

    def as_dict(self) -> dict[str, Any]:
        """For machines: seconds, counts and ratios."""
        return {
            "engine": [asdict(one) | {"bound": one.bound, "ratio": one.ratio} for one in self.engine],
            "push": [asdict(one) | {"bound": one.bound, "ratio": one.ratio, "cpu_ratio": one.cpu_ratio} for one in self.push],
            "difference": self.difference
            and asdict(self.difference) | {"ratio": self.difference.ratio, "hash_ratio": self.difference.hash_ratio},
            "goals": [asdict(goal) for goal in self.goals()],
            "wrong": self.wrong,
        }

    def tables(self) -> list[Table]:
        made = [_engine_table(self.engine), _push_table(self.push)]
        if self.difference:
            made.append(_difference_table(self.difference))
        return [*made, _goal_table(self.goals())]


def measure(people: int, difference_people: int, latency: float, say: Callable[[str], object]) -> Figures:
    """Measure everything; `latency` is in seconds, 0 leaves out what is measured with it. `say` hears what is begun."""
    engine: list[EngineFigure] = []
    push: list[PushFigure] = []
    for each in dict.fromkeys((0.0, latency)):
        for vendor in RATES:
            say(f"{vendor}: {people:,} people, {1000 * each:g} ms a call")
            engine += measure_engine(vendor, people, each)
    for vendor in RATES if latency else ():
        say(f"{vendor}: the calls alone, {1000 * latency:g} ms a call")
        push.append(measure_push(vendor, latency))
    found = None
    if difference_people:
        say(f"difference of {difference_people:,} people")
        found = measure_difference(difference_people)
    return Figures(tuple(engine), tuple(push), found)


def _engine_goal(one: EngineFigure) -> Goal:
    if one.work == WORK[2]:
        what = f"{one.vendor}: nothing changed takes 0 write calls and < {NOTHING_SECONDS:g} s"
        idle = one.write_calls == 0
        cpu = f"{one.total.cpu:.2f} s"
        in_words = f"{one.write_calls} calls, {one.total.wall:.2f} s"
        return Goal(what, in_words, idle and one.total.wall < NOTHING_SECONDS, cpu, idle and one.total.cpu < NOTHING_SECONDS)
    wall, cpu, least = one.people / one.total.wall, one.people / one.total.cpu, RATES[one.vendor]
    what = f"{one.vendor}: >= {least:,} changed people a second"
    return Goal(what, number(round(wall)), wall >= least, number(round(cpu)), cpu >= least)


def _push_goal(one: PushFigure) -> Goal:
    what = f"{one.vendor}: {one.calls:,} calls with {1000 * one.latency:g} ms each <= {LATENCY_RATIO:g}x their bound"
    wall, cpu = one.ratio or 0.0, one.cpu_ratio or 0.0
    return Goal(what, f"{wall:.1f}x", wall <= LATENCY_RATIO, f"{cpu:.1f}x", cpu <= LATENCY_RATIO)


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.1f}x"


def _engine_table(figures: tuple[EngineFigure, ...]) -> Table:
    columns = [
        "ESP, work",
        "people",
        "ms a call",
        "plan s (cpu)",
        "apply s (cpu)",
        "write calls",
        "calls",
        "people/s",
        "of bound",
    ]
    rows = [
        [
            f"{one.vendor}, {one.work}",
            number(one.people),
            f"{1000 * one.latency:g}",
            f"{one.plan.wall:.2f} ({one.plan.cpu:.2f})",
            f"{one.apply.wall:.2f} ({one.apply.cpu:.2f})",
            number(one.write_calls),
            number(one.calls),
            number(round(one.people / one.total.wall)) if one.people else "",
            _times(one.ratio),
        ]
        for one in figures
    ]
    note = (
        "in memory, limits off; the last look at consent reads decisions made by hand and is not part of the figures;"
        " of bound: applying to calls x latency / connections"
    )
    return Table("Engine", columns, rows, note)


def _push_table(figures: tuple[PushFigure, ...]) -> Table:
    columns = ["ESP", "people", "calls", "ms a call", "at once", "bound s", "s (cpu)", "of bound"]
    rows = [
        [
            one.vendor,
            number(one.people),
            number(one.calls),
            f"{1000 * one.latency:g}",
            number(one.concurrency),
            f"{one.bound:.2f}",
            f"{one.took.wall:.2f} ({one.took.cpu:.2f})",
            _times(one.ratio),
        ]
        for one in figures
    ]
    return Table("Calls alone", columns, rows, "small calls over the destination's own client, without plan and journal")


def _difference_table(one: DifferenceFigure) -> Table:
    stages = [
        ("reading and hashing the documents (md5)", one.scan_md5),
        ("the same with DuckDB's own hash", one.scan_hash),
        ("composing the desired documents", one.compose),
        ("difference", one.difference),
        ("fetching what has changed", one.fetch),
    ]
    rows = [
        [name, f"{took.cpu:.2f}", f"{took.wall:.2f}", _times(took.cpu / one.scan_md5.cpu), _times(took.cpu / one.scan_hash.cpu)]
        for name, took in stages
    ]
    columns = ["stage", "cpu s", "s", "of md5", "of hash"]
    return Table(f"Difference of {one.people:,} people, {one.changed:,} changed", columns, rows, "ratios are of CPU seconds")


def _goal_table(goals: list[Goal]) -> Table:
    words = {True: "met", False: "not met", None: ""}
    rows = [
        [one.what, one.measured, words[one.is_met] if one.measured else "", one.by_cpu, words[one.is_met_by_cpu]] for one in goals
    ]
    note = "by cpu: what our own CPU time allows, whoever else uses the machine"
    return Table("Goals", ["goal", "by the clock", "", "by cpu", " "], rows, note)
