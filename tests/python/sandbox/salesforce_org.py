"""A Salesforce org for tests: records put from behind, and a caller with a session."""

from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from mailhouse.sandbox.salesforce_objects import OBJECTS, identifier, record_row
from mailhouse.sandbox.store import Row, Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DATA = "/services/data/v67.0"


def put(store: Store, kind: str, number: int, minutes_ago: float = 60, *, deleted: bool = False, **fields: Any) -> Row:
    """A record of the object, last changed so many minutes before NOW."""
    of, at = OBJECTS[kind], NOW - timedelta(minutes=minutes_ago)
    row = record_row(of, identifier(of.prefix, number), fields, at, at, deleted)
    store.put(of.kind, row)
    return row


def contact(store: Store, number: int, minutes_ago: float = 60, **fields: Any) -> Row:
    named = {"FirstName": f"First{number}", "LastName": f"Last{number}", "Email": f"Contact{number}@example.org", **fields}
    return put(store, "Contact", number, minutes_ago, **named)


def lead(store: Store, number: int, minutes_ago: float = 60, **fields: Any) -> Row:
    named = {"FirstName": f"First{number}", "LastName": f"Lead{number}", "Email": f"lead{number}@example.org", "Company": "Leaf"}
    return put(store, "Lead", number, minutes_ago, **{**named, **fields})


def fill(store: Store, contacts: int = 7) -> None:
    """Contacts, two leads, and one of everything that hangs on them."""
    store.set_now(NOW)
    account = put(store, "Account", 1, Name="Acme", AnnualRevenue=1200.5, NumberOfEmployees=12)
    for number in range(1, contacts + 1):
        contact(store, number, minutes_ago=100 - number, AccountId=account.id, HasOptedOutOfEmail=number == 3)
    lead(store, 1, 30)
    lead(store, 2, 20, IsConverted=True, ConvertedContactId=identifier("003", 1), ConvertedDate="2026-02-28")
    campaign = put(store, "Campaign", 1, Name="Fair", IsActive=True, StartDate="2026-02-01")
    put(store, "CampaignMember", 1, CampaignId=campaign.id, ContactId=identifier("003", 1), Status="Sent")
    put(store, "Opportunity", 1, Name="Order", StageName="Closed Won", Amount=99.5, CloseDate="2026-02-20", AccountId=account.id)
    put(store, "Task", 1, WhoId=identifier("00Q", 1), Subject="Call", Status="Completed")
    put(store, "Case", 1, CaseNumber="00001001", ContactId=identifier("003", 2), Status="New")


class Caller:
    """Somebody with a session; `token` may be spoilt."""

    def __init__(self, url: str, secrets: dict[str, str]) -> None:
        self.url = f"{url}/salesforce"
        self.http = requests.Session()
        self.http.trust_env = False
        form = {"grant_type": "client_credentials", **{name: secrets[name] for name in ("client_id", "client_secret")}}
        self.granted = self.grant(form)
        self.token = self.granted.json()["access_token"]

    def grant(self, form: dict[str, str], **more: Any) -> requests.Response:
        return self.http.post(f"{self.url}/services/oauth2/token", data=form, timeout=30, **more)

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.http.request(method, self.url + path, json=body, headers=headers, timeout=30, **more)

    def ask(self, soql: str, path: str = "query", status: int = 200, **more: Any) -> Any:
        answer = self.call("GET", f"{DATA}/{path}", params={"q": soql}, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def ids(self, soql: str, path: str = "query") -> list[int]:
        """The numbers of the records that a query finds."""
        return [int(one["Id"][6:15]) for one in self.ask(soql, path)["records"]]
