"""What a run shows, as plain tables: the terminal and the dashboard render the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

SCORES = (5, 4, 3, 2, 1)


@dataclass(frozen=True)
class Table:
    """A titled table of cells that are ready to be read; `note` is a sentence below it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    @property
    def key(self) -> str:
        """The first word of the title, by which a dashboard files it."""
        return self.title.split()[0].strip(",:").lower()

    def as_dicts(self) -> list[dict[str, str]]:
        """One mapping a row, as Prefect's table artifact wants it."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def as_markdown(self) -> str:
        lines = [f"## {self.title}", "", "| " + " | ".join(self.columns) + " |", "|" + "---|" * len(self.columns)]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in self.rows]
        return "\n".join([*lines, "", self.note] if self.note else lines)


@dataclass(frozen=True)
class Stage:
    """One line of what a run did: how long it took, how many rows it moved, and what it says about it."""

    name: str
    seconds: float
    rows: int | None
    says: str


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `says` ends with the next step when it is not well."""

    subject: str
    is_good: bool
    says: str


def number(value: Any) -> str:
    """A count with thousands apart; nothing for an unknown one."""
    return "" if value is None else f"{value:,}"


def company(counts: Mapping[str, int]) -> str:
    """How much a sandbox holds, in one line; `counts` is `{'vendor.thing': how many}`."""
    vendors: dict[str, list[str]] = {}
    for kind, count in counts.items():
        vendor, thing = kind.split(".", 1)
        if count > 1:
            vendors.setdefault(vendor, []).append(f"{count:,} {thing.replace('_', ' ')}s".replace("ys", "ies"))
    return " · ".join(f"{vendor}: {', '.join(things)}" for vendor, things in vendors.items())


def rfm_grid(connection: duckdb.DuckDBPyConnection) -> Table:
    """Customers by recency and frequency score: who bought lately goes up, who buys often goes right."""
    rows = connection.execute("select recency_score, frequency_score, count(*) from marts.customer_rfm group by all").fetchall()
    counts = {(recency, frequency): people for recency, frequency, people in rows}
    as_of = connection.execute("select max(as_of) from marts.customer_rfm").fetchall()[0][0]
    ascending = tuple(reversed(SCORES))
    cells = [[f"R{recency}", *(number(counts.get((recency, score), 0)) for score in ascending)] for recency in SCORES]
    note = f"{sum(counts.values()):,} customers with an order by {as_of}; R5 bought most lately, F5 most often."
    return Table("RFM grid: customers by recency and frequency", ["", *(f"F{score}" for score in ascending)], cells, note)


def rfm_groups(connection: duckdb.DuckDBPyConnection) -> Table:
    """Each RFM group with its people and what they have spent."""
    rows = connection.execute(
        "select rfm_segment, count(*), round(sum(monetary_value), 2), cast(median(recency_days) as bigint) "
        "from marts.customer_rfm group by all order by 3 desc nulls last, 1"
    ).fetchall()
    cells = [[group, number(people), f"{spent:,.2f}", number(days)] for group, people, spent, days in rows]
    return Table("RFM groups", ["group", "customers", "spent", "median days since the last order"], cells)


def stages(run_stages: Sequence[Stage]) -> Table:
    """Time and rows of each stage of a run."""
    cells = [[stage.name, f"{stage.seconds:.1f}", number(stage.rows), stage.says] for stage in run_stages]
    total = sum(stage.seconds for stage in run_stages)
    return Table("Stages", ["stage", "seconds", "rows", "what"], cells, f"{total:.1f} seconds in all")


def rfm_tables(connection: duckdb.DuckDBPyConnection) -> list[Table]:
    """The RFM grid and its groups."""
    return [rfm_grid(connection), rfm_groups(connection)]


def plan_tables(plan: Any) -> list[Table]:
    """A plan: what each audience is about to see, why people are refused, and the calls it takes."""
    columns = ["audience", "segments", "adds", "updates", "removals", "unchanged", "refused", "note"]
    rows = []
    for one in plan.audiences:
        notes = [f"held back: {one.held_back}"] if one.held_back else []
        notes += [f"{one.waiting:,} wait after a refusal"] if one.waiting else []
        notes += ["shadow: nothing is sent"] if one.mode == "shadow" else []
        moves = [number(value) for value in (one.adds, one.updates, one.removals, one.unchanged, sum(one.refused.values()))]
        rows.append([one.name, ", ".join(one.segments), *moves, "; ".join(notes)])
    calls = "; ".join(f"{destination}: {_kinds(kinds)}" for destination, kinds in plan.calls_by().items() if any(kinds.values()))
    note = f"{plan.call_count:,} write calls ({calls})" if plan.call_count else "nothing to do: 0 write calls"
    tables = [Table("Plan", columns, rows, note)]
    if plan.stops:
        word = plan.approval
        said = f"approved by {word.who}: {word.reason}" if word else "nothing of it is sent until `--approve REASON`"
        stopped = [[stop.segment, stop.name, stop.kind, stop.says] for stop in plan.stops]
        tables.append(Table("What the breaker stopped", ["segment", "audience", "rule", "what it saw"], stopped, said))
    if plan.consent.trouble:
        tables.append(Table("Consent", ["trouble"], [[plan.consent.trouble]], "nothing is added or changed until this is mended"))
    refused = plan.refused()
    if refused:
        counts = sorted(refused.items(), key=lambda item: (-item[1], item[0]))
        tables.append(Table("Refused, and why", ["reason", "people"], [[reason, number(people)] for reason, people in counts]))
    return tables


def _kinds(kinds: Mapping[str, int]) -> str:
    words = {"write": "of people", "join": "of joiners", "leave": "of leavers"}
    return ", ".join(f"{calls} {words[kind]}" for kind, calls in kinds.items() if calls)


def sealed_table(sealed: Mapping[str, Any]) -> Table:
    """What a sealed plan says besides its figures: contacts that would be billed, automations that would start."""
    bill = "new contacts, which the ESP may bill"
    rows = [[destination, bill, number(people)] for destination, people in sealed["new_contacts"].items()]
    for destination, started in sealed["automations"].items():
        for place, names in started.items():
            said = names if isinstance(names, str) else ", ".join(names)
            rows.append([destination, f"joining {place} starts", said])
    columns = ["destination", "what", "how much"]
    return Table("What else it would do", columns, rows, "" if rows else "no new contacts, no automations")


def receipt_table(receipts: Sequence[Any]) -> Table:
    """Desired, delivered and what the ESP itself lists, audience by audience."""
    columns = ["audience", "desired", "delivered", "actual", "ESP's own count", "equal"]
    rows = [
        [one.name, number(one.desired), number(one.delivered), number(one.actual), number(one.reported), _verdict(one)]
        for one in receipts
    ]
    equal = sum(one.equal for one in receipts)
    return Table("Receipt", columns, rows, f"{equal} of {len(rows)} audiences: desired = delivered = actual, member by member")


def withdrawal_table(rounds: Sequence[Any]) -> Table:
    """What each system was told of people who said no in the rounds of a run, and what it has not acknowledged yet."""
    counts: dict[str, list[int]] = {}
    for system in (system for one in rounds for system in one.systems):
        said = counts.setdefault(system.connection_id, [0, 0, 0, 0, 0])
        for at, name in enumerate(("told", "accepted", "unknown_there", "rejected")):
            said[at] += getattr(system, name)
        said[4] = sum(system.owed.values())
    columns = ["system", "told", "accepted", "unknown there", "rejected", "owed"]
    rows = [[name, *(number(count) for count in said)] for name, said in counts.items()]
    owed = sum(said[4] for said in counts.values())
    note = f"{owed:,} are still owed and are tried again" if owed else "every system has acknowledged all that it was told"
    return Table("Withdrawals told", columns, rows, note)


def _verdict(receipt: Any) -> str:
    if receipt.equal:
        return "yes" if receipt.settled else "yes, its count lags"
    return ", ".join(f"{len(keys):,} {kind}" for kind, keys in receipt.differences.items())
