"""A world with ESPs of opposite kinds: Mailchimp's batches and tags, the jobs of Klaviyo and SendGrid, HubSpot's batches."""

from dataclasses import dataclass, field
from typing import Any

from mailhouse import sync
from mailhouse.sandbox import hubspot_members, members
from mailhouse.sandbox import sendgrid_people as sendgrid
from mailhouse.sandbox.klaviyo_members import LIST, lists_of
from mailhouse.sandbox.klaviyo_profiles import PROFILE
from mailhouse.settings import Connection, Settings
from tests.python.sync.conftest import FIELDS, World, model

KLAVIYO_FIELDS = {"first_name": "first_name", "country": "location.country", "orders": "Orders"}
SENDGRID_FIELDS = {"first_name": "first_name", "country": "country", "orders": "orders"}
SENDGRID_CALLS = {"PUT /v3/marketing/contacts": "upsert", "DELETE /v3/marketing/lists/{id}/contacts": "leave"}
# HubSpot is written nothing that says who somebody is
HUBSPOT_FIELDS = {"first_name": "greeting", "orders": "orders", "last_order_date": "last_order_date"}
PROFILE_FIELDS = {"klaviyo": KLAVIYO_FIELDS, "sendgrid": SENDGRID_FIELDS, "hubspot": HUBSPOT_FIELDS}
# how a vendor's secret is called where it is no `api_key`
SECRETS = {"hubspot": "token"}
IMPORT, LIST_MEMBERS = "/api/profile-bulk-import-jobs", "/relationships/profiles"


def address(number: int) -> str:
    """Of one of the people that `World.people` makes."""
    return f"person{number}@example.test"


@dataclass
class Both(World):
    """`World`, with profile models for the others over the same people; a segment also feeds the lists of its name.

    SendGrid and HubSpot are there as soon as a segment feeds them.
    """

    hubspot_settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in PROFILE_FIELDS:
            self.warehouse.execute(
                f"create or replace view profiles.{name}_profiles as select * from profiles.mailchimp_profiles"
            )

    def segment(
        self,
        name: str,
        people: list[str] | range,
        *,
        klaviyo: bool = True,
        mailchimp: bool = True,
        sendgrid: bool = False,
        hubspot: bool = False,
        **meta: Any,
    ) -> None:
        super().segment(name, people, **meta)
        entries = self.segments[f"seg_{name}"] if mailchimp else []
        feeds = {"klaviyo": klaviyo, "sendgrid": sendgrid, "hubspot": hubspot}
        for destination in [one for one, is_fed in feeds.items() if is_fed]:
            words = {"destination": destination, "audience": name.title(), "purpose": "marketing_email"}
            entries = [*entries, {**words, **{key: value for key, value in meta.items() if key != "tag"}}]
        self.segments[f"seg_{name}"] = entries

    def connection_to(self, vendor: str) -> Connection:
        name = SECRETS.get(vendor, "api_key")
        secrets, names = {name: self.esp.runtime.secrets[vendor][name]}, {name: f"TEST_{vendor.upper()}_KEY"}
        said = {"limits": self.limits}
        if vendor == "hubspot":
            # the burst of a real portal is no part of what is tested here
            said = {"limits": {**self.limits, "rate": 1000.0, "burst": 1000}, **self.hubspot_settings}
        return Connection(vendor, vendor, f"{self.esp.url}/{vendor}", said, names, secrets)

    @property
    def others(self) -> list[str]:
        """The ESPs beside Mailchimp."""
        fed = {entry["destination"] for entries in self.segments.values() for entry in entries}
        return [name for name in PROFILE_FIELDS if name == "klaviyo" or name in fed]

    @property
    def settings(self) -> Settings:
        others = {vendor: self.connection_to(vendor) for vendor in self.others}
        return Settings(self.folder, self.folder, {"mailchimp": self.connection, **others})

    def models(self) -> list[dict[str, Any]]:
        columns = ["customer_id", "email", "mailbox", *FIELDS, *self.profile_columns]
        meta = {name: {"destination": name, "key": "email", "fields": PROFILE_FIELDS[name]} for name in self.others}
        profiles = [model(f"{name}_profiles", "profiles", {"profile_of": meta[name]}, columns) for name in self.others]
        return [*super().models(), *profiles]

    def in_step(self, result: sync.SyncResult, *, with_fields: bool = False) -> None:
        """Asserts that desired, delivered and actual are the same."""
        receipts = sync.receipt(self.context, result.plan, result.run_id, with_fields=with_fields)
        assert [(one.name, one.differences) for one in receipts if not one.equal] == []
        assert receipts

    def on_list(self, name: str) -> set[str]:
        """Addresses on a list of the sandbox's SendGrid."""
        store = self.esp.store
        self.esp.runtime.settle()
        rows = [row for row in store.page(sendgrid.LIST, limit=1000) if row.body["name"] == name]
        ids = [one for row in rows for one in members.member_ids(store, row.id)]
        return {row.email for row in store.get_many(sendgrid.CONTACT, ids).values()}

    def sendgrid_writes(self) -> dict[str, int]:
        """Write calls to SendGrid since the last look, by what they do; one-time set-up left out."""
        calls = self.esp.control("GET", "/calls")["calls"]
        self.esp.control("DELETE", "/calls")
        found: dict[str, int] = {}
        for call in calls:
            name = SENDGRID_CALLS.get(f"{call['method']} {call['path']}")
            if call["writes"] and call["vendor"] == "sendgrid" and name:
                found[name] = found.get(name, 0) + call["calls"]
        return found

    def listed(self, name: str) -> set[str]:
        """Addresses on a list of the sandbox's Klaviyo."""
        store = self.esp.store
        for row in store.page(LIST, limit=1000):
            if row.body["name"] == name:
                profiles = {one.id: one.body["email"] for one in store.page(PROFILE, limit=100_000)}
                return {email for key, email in profiles.items() if row.id in lists_of(store, key)}
        return set()

    def hubspot_listed(self, name: str) -> set[str]:
        """Addresses on a list of the sandbox's HubSpot."""
        store = self.esp.store
        (row,) = store.search("hubspot.list", "json_extract(body, '$.name') = ?", [name], ordering="num", limit=1)
        contacts = store.get_many("hubspot.contact", [one for one, _ in hubspot_members.page(store, row.id, "0", 100_000)])
        return {contact.email for contact in contacts.values()}

    def klaviyo_writes(self) -> dict[str, int]:
        """Write calls to Klaviyo since the last look, by what they do."""
        calls = self.esp.control("GET", "/calls")["calls"]
        self.esp.control("DELETE", "/calls")
        found: dict[str, int] = {}
        for call in calls:
            if call["writes"] and call["vendor"] == "klaviyo":
                name = {"POST": "join", "DELETE": "leave"}[call["method"]] if call["path"].endswith(LIST_MEMBERS) else "set-up"
                name = "job" if call["path"].endswith(IMPORT) else name
                found[name] = found.get(name, 0) + call["calls"]
        return found
