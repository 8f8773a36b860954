"""What an inspection, an adoption and a revert show, as plain tables."""

from collections.abc import Mapping

from mailhouse.report import Table, number, plan_tables
from mailhouse.takeover.adopt import Adoption
from mailhouse.takeover.inspection import Found, Inspection
from mailhouse.takeover.revert import Revert

MEANS = {
    "said_no": "mailable there, and said no",
    "bad_address": "mailable there, and known elsewhere to be no good",
    "not_permitted": "mailable there, and never said yes in a way that counts",
    "should_leave": "in a membership that a segment feeds, and not wanted there",
    "missing": "wanted, and not there",
    "unknown": "nothing but this account knows them",
    "dead": "paid for, and reach nobody",
}


def inspection_tables(inspection: Inspection) -> list[Table]:
    """What an account holds, what is wrong with it, which fields differ, what would start, and what dead profiles cost."""
    contents = [
        [one.container or "the account", number(one.records), number(one.mailable), number(one.billed)]
        for one in inspection.contents
    ]
    tables = [Table(f"{inspection.destination} holds", ["container", "records", "mailable", "billed"], contents)]
    findings = [_row(inspection, one) for one in inspection.found if one.kind in MEANS]
    columns = ["finding", "where", "people", "why"]
    tables.append(Table("Findings", columns, findings, _cost(inspection) if findings else "nothing is wrong"))
    differing = [one for one in inspection.found if one.kind == "differs"]
    fields = [[place_of(inspection, one), field, number(count)] for one in differing for field, count in one.reasons.items()]
    if fields:
        people = sum(one.count for one in differing)
        tables.append(Table("Fields that differ from ours", ["where", "field", "people"], fields, f"{people:,} people in all"))
    if inspection.automations:
        starting = [
            [inspection.name(one.container, one.membership), one.automation, number(one.people)] for one in inspection.automations
        ]
        note = "adding who is missing would start them"
        tables.append(Table("Automations that would start", ["audience", "automation", "people"], starting, note))
    return tables


def _row(inspection: Inspection, one: Found) -> list[str]:
    reasons = reasons_of(one.reasons)
    if one.kind == "should_leave":
        reasons = f"{reasons}; put there by us {one.put_there_by_us:,}, by others {one.count - one.put_there_by_us:,}"
    return [MEANS[one.kind], place_of(inspection, one), number(one.count), reasons]


def place_of(inspection: Inspection, one: Found) -> str:
    """The membership, the container or the account that a finding is about."""
    return inspection.name(one.container, one.membership) if one.container or one.membership else inspection.destination


def reasons_of(reasons: Mapping[str, int]) -> str:
    """Reasons with their counts, the most frequent first."""
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason} {count:,}" for reason, count in ordered)


def _cost(inspection: Inspection) -> str:
    cost = inspection.cost_of_the_dead
    if cost is None or inspection.price is None:
        return "say `price_per_contact` in connections.yml to see what dead profiles cost"
    return f"dead profiles cost {cost:,.2f} {inspection.price.currency} each time {inspection.destination} bills"


def adoption_table(adoption: Adoption) -> Table:
    """What is in each membership, and how much of it would become ours."""
    columns = ["audience", "wanted and there", "of them with other fields", "ours already", "there, not wanted", "missing"]
    rows = [
        [one.name, *(number(value) for value in (one.wanted_there, one.differing, one.ours, one.unwanted, one.missing))]
        for one in adoption.found
    ]
    others = sum(one.unwanted for one in adoption.found)
    if adoption.everybody and others:
        note = f"{others:,} who are not wanted become ours as well: a mirror removes them with the next sync"
    elif others:
        note = f"{others:,} who are not wanted stay somebody else's and are left alone; --all adopts them too"
    else:
        note = "whoever is missing is added by the next sync"
    return Table("There already", columns, rows, note)


def revert_tables(revert: Revert) -> list[Table]:
    """What taking a run back would do, and what it would leave as it is."""
    left = [[f"changed again by run {run[:8]}, and left to it", number(count)] for run, count in revert.later.items()]
    if revert.strangers:
        left.append(["not known to us before: the record stays, with the fields it has now", number(revert.strangers)])
    left += [[f"the fields stay as they are: {reason}", number(count)] for reason, count in revert.fields_left.items()]
    left += [[f"{name} stays out: nothing permits it any more", number(count)] for name, count in revert.withheld.items()]
    tables = [] if revert.forgotten else plan_tables(revert.plan)
    if left:
        tables.append(Table("Not brought back", ["what", "people"], left))
    return tables
