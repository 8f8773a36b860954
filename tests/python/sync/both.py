"""A world with ESPs of opposite kinds: Mailchimp's batches and tags, Klaviyo's jobs and lists, HubSpot's batches and lists."""

from dataclasses import dataclass, field
from typing import Any

from mailhouse.sandbox import hubspot_members
from mailhouse.sandbox.klaviyo_members import LIST, lists_of
from mailhouse.sandbox.klaviyo_profiles import PROFILE
from mailhouse.settings import Connection, Settings
from tests.python.sync.conftest import FIELDS, World, model

KLAVIYO_FIELDS = {"first_name": "first_name", "country": "location.country", "orders": "Orders"}
# HubSpot is written nothing that says who somebody is
HUBSPOT_FIELDS = {"first_name": "greeting", "orders": "orders", "last_order_date": "last_order_date"}
IMPORT, LIST_MEMBERS = "/api/profile-bulk-import-jobs", "/relationships/profiles"


@dataclass
class Both(World):
    """`World`, with profile models for the others over the same people; a segment also feeds the list of its name there."""

    hubspot_settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("klaviyo", "hubspot"):
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
        hubspot: bool = False,
        **meta: Any,
    ) -> None:
        super().segment(name, people, **meta)
        entries = self.segments[f"seg_{name}"] if mailchimp else []
        for destination in [one for one, is_fed in (("klaviyo", klaviyo), ("hubspot", hubspot)) if is_fed]:
            words = {"destination": destination, "audience": name.title(), "purpose": "marketing_email"}
            entries = [*entries, {**words, **{key: value for key, value in meta.items() if key != "tag"}}]
        self.segments[f"seg_{name}"] = entries

    @property
    def klaviyo(self) -> Connection:
        secrets = {"api_key": self.esp.runtime.secrets["klaviyo"]["api_key"]}
        url = f"{self.esp.url}/klaviyo"
        return Connection("klaviyo", "klaviyo", url, {"limits": self.limits}, {"api_key": "TEST_KLAVIYO_KEY"}, secrets)

    @property
    def hubspot(self) -> Connection:
        secrets = {"token": self.esp.runtime.secrets["hubspot"]["token"]}
        # the burst of a real portal is no part of what is tested here
        said = {"limits": {**self.limits, "rate": 1000.0, "burst": 1000}, **self.hubspot_settings}
        return Connection("hubspot", "hubspot", f"{self.esp.url}/hubspot", said, {"token": "TEST_HUBSPOT_TOKEN"}, secrets)

    @property
    def settings(self) -> Settings:
        connections = {"mailchimp": self.connection, "klaviyo": self.klaviyo, "hubspot": self.hubspot}
        return Settings(self.folder, self.folder, connections)

    def models(self) -> list[dict[str, Any]]:
        columns = ["customer_id", "email", "mailbox", *FIELDS, *self.profile_columns]
        found = super().models()
        for name, fields in (("klaviyo", KLAVIYO_FIELDS), ("hubspot", HUBSPOT_FIELDS)):
            profile = {"destination": name, "key": "email", "fields": fields}
            found.append(model(f"{name}_profiles", "profiles", {"profile_of": profile}, columns))
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
