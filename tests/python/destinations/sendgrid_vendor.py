"""A SendGrid sandbox on the loopback whose seconds are the client's own."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from mailhouse.destinations import Call, Change, Outcome
from mailhouse.destinations.keys import key_of, normal
from mailhouse.destinations.sendgrid.account import connect
from mailhouse.http import OutcomeUnknown
from mailhouse.sandbox import members
from mailhouse.sandbox.sendgrid_fields import names_of
from mailhouse.sandbox.sendgrid_people import CONTACT, LIST
from tests.python.destinations.conftest import Vendor


class SendGridVendor(Vendor):
    """The sandbox's SendGrid, looked at from behind."""

    name, opens = "sendgrid", staticmethod(connect)

    def contact(self, address: str) -> dict[str, Any] | None:
        """The contact of an address, its own fields by their names."""
        self.runtime.settle()
        rows = self.store.by_email(CONTACT, normal(address))
        if not rows:
            return None
        names = names_of(self.store)
        own = {names[key]: value for key, value in rows[0].body["custom_fields"].items()}
        return {**rows[0].body, "custom_fields": own, "id": rows[0].id}

    def lists(self, address: str) -> set[str]:
        """Names of the lists that a person is on."""
        contact = self.contact(address)
        ids = members.lists_of(self.store, contact["id"]) if contact else []
        return {self.store.get(LIST, one).body["name"] for one in ids}

    def list_id(self, name: str) -> str:
        (row,) = self.store.search(LIST, "json_extract(body, '$.name') = ?", [name], ordering="id", limit=2)
        return row.id

    def faults(self, *described: Mapping[str, Any]) -> None:
        self.runtime.faults.replace([{"vendor": "sendgrid", **one} for one in described])

    def send(self, call: Call, references: list[str] | None = None, **limits: Any) -> dict[str, Outcome]:
        """Send a call as the sync does: what is unknown is settled."""

        async def ask(account: Any) -> list[Outcome]:
            try:
                return await account.send(call, (references if references is not None else []).append)
            except OutcomeUnknown:
                return await account.settle(call)

        return {outcome.key: outcome for outcome in self.ask(ask, **limits)}


def person(name: str, fields: Mapping[str, Any] | None = None, **more: Any) -> Change:
    """What one person, whose address is made of the name, owes the account."""
    address = name if "@" in name else f"{name}@example.test"
    text = orjson.dumps(dict(fields or {}), option=orjson.OPT_SORT_KEYS).decode()
    given = {"write": True, **more}
    return Change("sendgrid", "", key_of(address), f"c-{name}", address, normal(address), text, "h", **given)


def people(count: int, fields: Mapping[str, Any] | None = None, **more: Any) -> list[Change]:
    return [person(f"person{number}", fields or {"first_name": "A"}, **more) for number in range(count)]


def upsert(changes: Iterable[Change]) -> Call:
    return Call("write", "", "", tuple(sorted(changes, key=lambda one: one.key)))


def leave(name: str, changes: Iterable[Change]) -> Call:
    return Call("leave", "", name, tuple(changes))


def statuses(call: Call, outcomes: Mapping[str, Outcome]) -> list[str]:
    assert set(outcomes) == {one.key for one in call.changes}
    return [outcomes[one.key].status for one in call.changes]
