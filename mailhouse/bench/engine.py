"""The engine of the reverse sync against an ESP that costs nothing: everybody new, everybody changed, nothing changed."""

from dataclasses import dataclass

from mailhouse import sync
from mailhouse.bench.measured import Took, timed
from mailhouse.bench.serving import Served, serving
from mailhouse.bench.world import AUDIENCE, change_everybody, made_up
from mailhouse.destinations import rules_for
from mailhouse.http import limits_of

MEANT = sync.Approval("a benchmark changes everybody", "mailhouse bench")
WORK = ("everybody new", "everybody changed", "nothing changed")


@dataclass(frozen=True)
class EngineFigure:
    """One plan and its application. `calls` are all calls that were made, `write_calls` those that carry people.

    `latency` is in seconds a call; `concurrency` is how many calls may be under way at once. `wrong` says what is not as it
    should be, '' when all is.
    """

    vendor: str
    work: str
    people: int
    latency: float
    plan: Took
    apply: Took
    write_calls: int
    calls: int
    concurrency: int
    wrong: str

    @property
    def total(self) -> Took:
        return self.plan + self.apply

    @property
    def bound(self) -> float:
        """Seconds that the calls take at the least: all of them, side by side as far as is allowed."""
        return self.calls * self.latency / self.concurrency

    @property
    def ratio(self) -> float | None:
        """The time of applying to that bound; None where there is none."""
        return self.apply.wall / self.bound if self.bound else None

    def rate(self, seconds: float) -> float | None:
        return self.people / seconds if self.people and seconds else None


def measure_engine(vendor: str, people: int, latency: float) -> list[EngineFigure]:
    """Plan and apply three times; `latency` is in seconds."""
    with serving(AUDIENCE, latency) as served, made_up(people, {vendor: served.connection(vendor)}) as context:
        figures = [_round(context, served, vendor, WORK[0], people, latency)]
        change_everybody(context.warehouse)
        figures.append(_round(context, served, vendor, WORK[1], people, latency))
        figures.append(_round(context, served, vendor, WORK[2], 0, latency))
    return figures


def _round(context: sync.Context, served: Served, vendor: str, work: str, people: int, latency: float) -> EngineFigure:
    before = served.counts()
    plan, planning = timed(lambda: sync.plan(context, approval=MEANT))
    result, applying = timed(lambda: sync.sync(context, plan))
    after = served.counts()
    (destination,) = result.destinations
    taken = {name: after[name] - before[name] for name in after}
    wrong = [] if result.ok else list(result.problems)
    if taken["records"] != people or destination.accepted != people:
        wrong.append(f"{people:,} owed, {taken['records']:,} arrived, {destination.accepted:,} acknowledged")
    if taken["calls"] != plan.call_count:
        wrong.append(f"{plan.call_count:,} calls planned, {taken['calls']:,} arrived")
    if lag := _not_delivered(context):
        wrong.append(f"{lag:,} people are not delivered as the models have them")
    connection, rules = context.settings.connections[vendor], rules_for(vendor)
    assert rules is not None
    return EngineFigure(
        vendor=vendor,
        work=work,
        people=people,
        latency=latency,
        plan=planning,
        apply=applying,
        write_calls=plan.call_count,
        calls=sum(destination.calls.values()),
        concurrency=limits_of(connection, rules.limits).connections,
        wrong="; ".join(wrong),
    )


def _not_delivered(context: sync.Context) -> int:
    """People of the profile model whose name is not in what is recorded as delivered, counted the slow way."""
    return context.warehouse.execute(
        """
        select count(*)
        from profiles.people as people
        left join reverse_sync.delivered as delivered
            on people.customer_id = delivered.customer_id and people.email = delivered.address
            and contains(cast(delivered.fields as varchar), '"' || people.first_name || '"')
            and delivered.memberships::varchar <> '[]'
        where delivered.customer_id is null
        """
    ).fetchall()[0][0]
