"""Inspect a living account before taking it over: what is wrong there, and what it costs. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection
from mailhouse.sync.context import Context
from mailhouse.sync.targets import place_name
from mailhouse.takeover.account import connection_of, create_there, create_wanted, read_account
from mailhouse.takeover.findings import KINDS, create_findings


@dataclass(frozen=True)
class Contents:
    """How much one container holds; `mailable` may be mailed, `billed` are paid for as contacts."""

    container: str
    records: int
    mailable: int
    billed: int


@dataclass(frozen=True)
class Found:
    """One kind of finding in one place: how many, by reason; of `should_leave` also how many we put there ourselves.

    `differs` counts records and fields: its reasons are the fields, and a record with two of them counts in both.
    """

    kind: str
    container: str
    membership: str
    count: int
    reasons: Mapping[str, int]
    put_there_by_us: int = 0


@dataclass(frozen=True)
class Starting:
    """An automation that would start for as many people as are missing from a membership."""

    container: str
    membership: str
    automation: str
    people: int


@dataclass(frozen=True)
class Price:
    """What one contact costs, each time the ESP bills."""

    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Inspection:
    """What was found in one account; the findings one by one are in `takeover_findings` of the connection used."""

    destination: str
    made_at: datetime
    contents: tuple[Contents, ...]
    found: tuple[Found, ...]
    automations: tuple[Starting, ...]
    price: Price | None

    def count(self, kind: str) -> int:
        """How many records or people there are of one kind over all places."""
        return sum(one.count for one in self.found if one.kind == kind)

    @property
    def cost_of_the_dead(self) -> Decimal | None:
        """What dead profiles cost each time the ESP bills; None when no price is given."""
        return self.price.amount * self.count("dead") if self.price else None

    def name(self, container: str, membership: str) -> str:
        """How people call a place of this account."""
        return place_name(self.destination, container, membership)

    def as_dict(self) -> dict[str, Any]:
        """For machines: figures alone, no address."""
        cost = self.cost_of_the_dead
        return {
            "destination": self.destination,
            "made_at": self.made_at.isoformat(),
            "contents": [
                {"container": one.container, "records": one.records, "mailable": one.mailable, "billed": one.billed}
                for one in self.contents
            ],
            "found": [
                {
                    "kind": one.kind,
                    "container": one.container,
                    "membership": one.membership,
                    "count": one.count,
                    "put_there_by_us": one.put_there_by_us,
                    "reasons": dict(one.reasons),
                }
                for one in self.found
            ],
            "automations": [
                {
                    "container": one.container,
                    "membership": one.membership,
                    "automation": one.automation,
                    "people": one.people,
                }
                for one in self.automations
            ],
            "cost_of_the_dead": {"amount": str(cost), "currency": self.price.currency} if self.price else None,
        }


def inspect(context: Context, destination: str) -> Inspection:
    """Compare an account with what the project wants of it; neither the account nor the state is written to.

    Leaves `takeover_findings` on the context's connection. Raises ConfigurationError, SyncRefused, VendorUnreachable.
    """
    connection, rules = connection_of(context, destination)
    price = price_of(connection)
    targets = create_wanted(context, destination)
    account = read_account(context, targets, destination)
    create_there(context.warehouse, account, rules)
    create_findings(context, destination, rules)
    found = _found(context)
    missing = {(one.container, one.membership): one.count for one in found if one.kind == "missing"}
    starting = tuple(
        Starting(*place, automation, missing[place])
        for place, automations in sorted(account.automations.items())
        if place in missing
        for automation in automations
    )
    return Inspection(destination, context.clock.now(), _contents(context, account.records), found, starting, price)


def price_of(connection: Connection) -> Price | None:
    """`settings.price_per_contact: {amount: "0.012", currency: EUR}` of a connection, or None when it is not said.

    Raises ConfigurationError.
    """
    said = connection.settings.get("price_per_contact")
    if said is None:
        return None
    try:
        amount, currency = Decimal(str(said["amount"])), said["currency"]
    except (TypeError, KeyError, InvalidOperation) as error:
        raise ConfigurationError(_not_a_price(connection)) from error
    if not amount.is_finite() or amount < 0 or not isinstance(currency, str) or len(currency) != 3:
        raise ConfigurationError(_not_a_price(connection))
    return Price(amount, currency.upper())


def _not_a_price(connection: Connection) -> str:
    return f'connection {connection.id}: settings.price_per_contact: say {{amount: "0.012", currency: EUR}}'


def _contents(context: Context, containers: Mapping[str, object]) -> tuple[Contents, ...]:
    rows = context.warehouse.execute(
        "select container, count(*), count(*) filter (is_mailable), count(*) filter (is_billed)"
        " from takeover_records group by container"
    ).fetchall()
    counted = {container: figures for container, *figures in rows}
    return tuple(Contents(container, *counted.get(container, (0, 0, 0))) for container in sorted(containers))


def _found(context: Context) -> tuple[Found, ...]:
    reasons: dict[tuple[str, str, str], dict[str, int]] = {}
    for *place, reason, count in context.warehouse.execute(
        "select kind, container, membership, reason, count(*) from takeover_findings group by all order by all"
    ).fetchall():
        reasons.setdefault(tuple(place), {})[reason] = count
    rows = context.warehouse.execute(
        "select kind, container, membership, count(distinct document_key), count(*) filter (put_there_by = 'us')"
        " from takeover_findings group by all order by all"
    ).fetchall()
    found = [Found(*place, count, reasons[tuple(place)], ours) for *place, count, ours in rows]
    return tuple(sorted(found, key=lambda one: KINDS.index(one.kind)))
