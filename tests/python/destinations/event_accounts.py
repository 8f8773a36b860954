"""Accounts of the four ESPs in one sandbox, for whoever tells them of events."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailhouse.destinations import Event, EventOutcome, events_for
from mailhouse.destinations.mailchimp.wire import key_of
from mailhouse.sandbox.hubspot_mail import SENT
from mailhouse.sandbox.klaviyo_events import EVENT as KLAVIYO_EVENT
from mailhouse.sandbox.klaviyo_profiles import PROFILE
from mailhouse.sandbox.mailchimp_events import EVENT as MAILCHIMP_EVENT
from mailhouse.sandbox.mailchimp_members import MEMBER
from mailhouse.sandbox.sendgrid_mail import MESSAGE, TEMPLATE, template_row
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.settings import Connection
from tests.python.destinations.conftest import NOW, Vendor

EVENT_NAME = "back_in_stock"
DYNAMIC = "d-0123456789abcdef0123456789abcdef"
LIST_ID = "a1b2c3d4e5"


@dataclass(frozen=True)
class Kind:
    """What is different about one vendor: its secret, what the event is called there, and how many events one call carries."""

    secret: str
    entry: Mapping[str, Any]
    carries: int
    recorded: Callable[[Store], list[str]]


def _by_email(kind: str) -> Callable[[Store], list[str]]:
    return lambda store: [row.email for row in store.page(kind, limit=-1)]


def _by_profile(store: Store) -> list[str]:
    rows = store.page(KLAVIYO_EVENT, limit=-1)
    profiles = store.get_many(PROFILE, {row.parent for row in rows})
    return [profiles[row.parent].email for row in rows]


KINDS = {
    "hubspot": Kind("token", {"email": 4711}, 1, _by_email(SENT)),
    "klaviyo": Kind("api_key", {"metric": "Back in stock"}, 1_000, _by_profile),
    "mailchimp": Kind("api_key", {"list": "Customers", "event": "back_in_stock"}, 1, _by_email(MAILCHIMP_EVENT)),
    "sendgrid": Kind("api_key", {"template": DYNAMIC, "sender": "shop@example.org"}, 1_000, _by_email(MESSAGE)),
}


class EventAccount:
    """One vendor's account: told of events by the shipped transport, and looked at from behind."""

    def __init__(self, served: Vendor, vendor: str) -> None:
        self.vendor, self.served, self.store = vendor, served, served.store
        self.kind, self.rules = KINDS[vendor], events_for(vendor)
        self.store.put(TEMPLATE, template_row(DYNAMIC, "Back in stock", NOW.isoformat()))
        entry = {"id": LIST_ID, "name": "Customers", "double_optin": False, "date_created": stamp(NOW)}
        self.store.put("mailchimp.list", Row(LIST_ID, entry, NOW))

    def connection(self, entry: Mapping[str, Any] | None = None, limits: Mapping[str, Any] | None = None) -> Connection:
        # the judge reads the descriptions at the first call, which takes a while on a busy machine
        settings = {"limits": {"timeout": 60.0, **(limits or {})}, "events": {EVENT_NAME: entry or self.kind.entry}}
        secrets = {self.kind.secret: self.served.runtime.secrets[self.vendor][self.kind.secret]}
        url, named = f"{self.served.url}/{self.vendor}", {self.kind.secret: "TEST_ESP_SECRET"}
        return Connection(self.vendor, self.vendor, url, settings, named, secrets)

    def events(self, count: int, first: int = 0) -> list[Event]:
        """Events of as many people, whom the account knows where it must."""
        found = [event(number) for number in range(first, first + count)]
        rows = [member(one.address) for one in found]
        self.store.put_many(MEMBER, rows)
        return found

    def send(self, events: Sequence[Event], *, connection: Connection | None = None, **limits: Any) -> list[EventOutcome]:
        async def run() -> list[EventOutcome]:
            async with self.rules.connect(connection or self.connection(limits=limits), self.served.clock) as transport:
                return await transport.send(events)

        return asyncio.run(run())

    def statuses(self, events: Sequence[Event], **more: Any) -> dict[str, str]:
        """Key -> status; each key must have one outcome."""
        outcomes = self.send(events, **more)
        assert sorted(one.key for one in outcomes) == sorted({one.key for one in events})
        return {one.key: one.status for one in outcomes}

    def faults(self, *described: Mapping[str, Any]) -> None:
        self.served.runtime.faults.replace([{"vendor": self.vendor, "method": "POST", **one} for one in described])

    def calls(self) -> int:
        """Write calls since the last look."""
        return sum(self.served.writes().values())

    def recorded(self) -> list[str]:
        """Who was told of, in the order of the alphabet, once for each time."""
        self.served.runtime.settle()
        return sorted(self.kind.recorded(self.store))


def event(number: int, key: str = "", **values: Any) -> Event:
    return Event(key or f"e{number}", EVENT_NAME, f"p{number}@example.test", NOW, {"what": f"bowl {number}", **values})


def member(address: str) -> Row:
    key = key_of(address)
    body = {"id": key, "email_address": address, "contact_id": key, "status": "subscribed", "merge_fields": {}}
    return Row(key, body, NOW, parent=LIST_ID, email=address)
