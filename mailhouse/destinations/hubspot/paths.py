"""HubSpot's addresses: the version stands in another place since versions are dates."""

from dataclasses import dataclass
from urllib.parse import quote

API_VERSION = "2026-03"


@dataclass(frozen=True)
class Paths:
    """The addresses of one version, `v3` or a date."""

    version: str = API_VERSION

    def _of(self, area: str, rest: str) -> str:
        return f"/crm/{self.version}/{area}/{rest}" if self.version.startswith("v") else f"/crm/{area}/{self.version}/{rest}"

    def objects(self, kind: str) -> str:
        """Where records of one type are: contacts, companies, deals, tickets."""
        return self._of("objects", kind)

    @property
    def contacts(self) -> str:
        return self.objects("contacts")

    @property
    def properties(self) -> str:
        return self._of("properties", "contacts")

    @property
    def lists(self) -> str:
        return self._of("lists", "").rstrip("/")

    def list_named(self, name: str) -> str:
        return f"{self.lists}/object-type-id/{CONTACT_TYPE}/name/{quote(name, safe='')}"

    def list_of(self, list_id: str) -> str:
        return f"{self.lists}/{quote(list_id, safe='')}"

    def memberships(self, list_id: str) -> str:
        return f"{self.list_of(list_id)}/memberships"

    @property
    def preferences(self) -> str:
        # before the dates these calls had a version of their own
        return f"/communication-preferences/{'v4' if self.version.startswith('v') else self.version}"

    @property
    def single_send(self) -> str:
        legacy = self.version.startswith("v")
        return "/marketing/v4/email/single-send" if legacy else f"/marketing/email-campaigns/{self.version}/single-send"


# contacts among the types of records that lists are made of
CONTACT_TYPE = "0-1"
