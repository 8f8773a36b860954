"""A world with two ESPs of opposite kinds: Mailchimp's batches and tags, Klaviyo's jobs and lists."""

from dataclasses import dataclass
from typing import Any

from mailhouse.sandbox.klaviyo_members import LIST, lists_of
from mailhouse.sandbox.klaviyo_profiles import PROFILE
from mailhouse.settings import Connection, Settings
from tests.python.sync.conftest import FIELDS, World, model

KLAVIYO_FIELDS = {"first_name": "first_name", "country": "location.country", "orders": "Orders"}
IMPORT, LIST_MEMBERS = "/api/profile-bulk-import-jobs", "/relationships/profiles"


@dataclass
class Both(World):
    """`World`, with a profile model for Klaviyo over the same people; a segment also feeds the list of its name."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.warehouse.execute("create or replace view profiles.klaviyo_profiles as select * from profiles.mailchimp_profiles")

    def segment(self, name: str, people: list[str] | range, *, klaviyo: bool = True, mailchimp: bool = True, **meta: Any) -> None:
        super().segment(name, people, **meta)
        entries = self.segments[f"seg_{name}"] if mailchimp else []
        if klaviyo:
            words = {"destination": "klaviyo", "audience": name.title(), "purpose": "marketing_email"}
            entries = [*entries, {**words, **{key: value for key, value in meta.items() if key != "tag"}}]
        self.segments[f"seg_{name}"] = entries

    @property
    def klaviyo(self) -> Connection:
        secrets = {"api_key": self.esp.runtime.secrets["klaviyo"]["api_key"]}
        url = f"{self.esp.url}/klaviyo"
        return Connection("klaviyo", "klaviyo", url, {"limits": self.limits}, {"api_key": "TEST_KLAVIYO_KEY"}, secrets)

    @property
    def settings(self) -> Settings:
        return Settings(self.folder, self.folder, {"mailchimp": self.connection, "klaviyo": self.klaviyo})

    def models(self) -> list[dict[str, Any]]:
        profile = {"destination": "klaviyo", "key": "email", "fields": KLAVIYO_FIELDS}
        columns = ["customer_id", "email", "mailbox", *FIELDS, *self.profile_columns]
        return [*super().models(), model("klaviyo_profiles", "profiles", {"profile_of": profile}, columns)]

    def listed(self, name: str) -> set[str]:
        """Addresses on a list of the sandbox's Klaviyo."""
        store = self.esp.store
        for row in store.page(LIST, limit=1000):
            if row.body["name"] == name:
                profiles = {one.id: one.body["email"] for one in store.page(PROFILE, limit=100_000)}
                return {email for key, email in profiles.items() if row.id in lists_of(store, key)}
        return set()

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
