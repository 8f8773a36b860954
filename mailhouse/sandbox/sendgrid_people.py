"""SendGrid's contacts as they are kept: who is who by identifiers, and how a contact is changed and shown."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from mailhouse.sandbox import members
from mailhouse.sandbox.members import Kinds
from mailhouse.sandbox.sendgrid_fields import FIELD, IDENTIFIERS, RESERVED, FieldRefused, kept, names_of, reserved_values
from mailhouse.sandbox.sendgrid_words import fresh, shown
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call

CONTACT, LIST = "sendgrid.contact", "sendgrid.list"
KINDS = Kinds(LIST, CONTACT)
ADDRESS = re.compile(r"[^@\s<>(),;:\\\"\[\]]{1,64}@[^@\s<>(),;:\\\"\[\].]+(\.[^@\s<>(),;:\\\"\[\].]+)+")
LONGEST_ADDRESS = 254


class ContactRefused(Exception):
    """One contact of an upsert is refused; the others are taken."""


class People:
    """The contacts that an upsert is about, changed in memory and put back together."""

    def __init__(self, store: Store, contacts: Iterable[Mapping[str, Any]]) -> None:
        self.store = store
        given = [one for one in contacts if isinstance(one, Mapping)]
        self._now = stamp(store.now())
        self._make = fresh(store, "contact")(len(given) or 1)
        self._types = {row.id: row.body["field_type"] for row in store.page(FIELD, limit=1_000)}
        self._known: dict[tuple[str, str], Row] = {}
        self._changed: dict[str, Row] = {}
        for name in IDENTIFIERS:
            values = sorted({normal(name, str(one[name])) for one in given if one.get(name)})
            column = "email" if name == "email" else f"json_extract(body, '$.{name}')"
            where, wanted = f"{column} in (select value from json_each(?))", orjson.dumps(values).decode()
            for row in store.search(CONTACT, where, [wanted], ordering="id", limit=-1) if values else ():
                self._note(row)

    def upsert(self, contact: Mapping[str, Any]) -> Row:
        """The contact as it is afterwards; raises ContactRefused. What is not named stays."""
        given = self._identifiers(contact)
        row = next((found for pair in given.items() if (found := self._known.get(pair))), None)
        if row is None:
            body = dict.fromkeys((*RESERVED, *IDENTIFIERS), "") | {"custom_fields": {}, "created_at": self._now}
            row = Row(self._make(), body, self._now, self._now)
        absent = [name for name in IDENTIFIERS if row.body[name] and given.get(name) != row.body[name]]
        if absent:
            raise ContactRefused(f"all identifiers of the contact must be present, and {', '.join(absent)} is not")
        try:
            fields = reserved_values(contact)
            own = self._own_fields(contact.get("custom_fields") or {})
        except FieldRefused as refused:
            raise ContactRefused(str(refused)) from refused
        body = row.body | given | fields
        body["custom_fields"] = {**row.body["custom_fields"], **own}
        if body != row.body or row.id not in self._changed:
            row = Row(row.id, body | {"updated_at": self._now}, self._now, row.created_at, email=body["email"])
        self._changed[row.id] = row
        self._note(row)
        return row

    def flush(self) -> None:
        """Puts back what was changed."""
        self.store.put_many(CONTACT, self._changed.values())

    def _identifiers(self, contact: Mapping[str, Any]) -> dict[str, str]:
        given = {name: normal(name, contact[name]) for name in IDENTIFIERS if isinstance(contact.get(name), str)}
        given = {name: value for name, value in given.items() if value}
        if not given:
            raise ContactRefused(f"at least one of {', '.join(IDENTIFIERS)} is required")
        email = given.get("email")
        if email is not None and (len(email) > LONGEST_ADDRESS or not ADDRESS.fullmatch(email)):
            raise ContactRefused("the email is invalid")
        return given

    def _own_fields(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {identifier: kept(self._types[identifier], value, identifier) for identifier, value in given.items()}

    def _note(self, row: Row) -> None:
        for name in IDENTIFIERS:
            if row.body.get(name):
                self._known[name, row.body[name]] = row


def normal(name: str, value: str) -> str:
    """An identifier as it is kept: an address in lower case."""
    return value.strip().lower() if name == "email" else value.strip()


def contact_row(identifier: str, email: str, at: str, **more: Any) -> Row:
    """A contact as somebody other than a caller puts it there; for the store."""
    body = dict.fromkeys((*RESERVED, *IDENTIFIERS), "") | {"email": normal("email", email), "custom_fields": {}}
    return Row(identifier, body | more | {"created_at": at, "updated_at": at}, at, at, email=body["email"])


def contact_json(call: Call, store: Store, row: Row, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """As SendGrid shows a contact: its own fields by their names."""
    names = names_of(store) if names is None else names
    body = row.body
    own = {names[key]: value for key, value in body["custom_fields"].items() if key in names}
    return {
        "id": row.id,
        **{name: body.get(name) or "" for name in (*RESERVED, *IDENTIFIERS)},
        "alternate_emails": [],
        "list_ids": members.lists_of(store, row.id),
        "segment_ids": [],
        "custom_fields": own,
        "created_at": shown(row.created_at),
        "updated_at": shown(row.updated_at),
        "_metadata": {"self": f"{call.base_url}/v3/marketing/contacts/{row.id}"},
    }


def remove(store: Store, identifiers: Iterable[str]) -> int:
    """Deletes contacts, and with them their memberships; how many there were."""
    gone = 0
    for identifier in identifiers:
        for list_id in members.lists_of(store, identifier):
            members.leave(store, KINDS, list_id, [identifier])
        gone += store.delete(CONTACT, identifier)
    return gone
