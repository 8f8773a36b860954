"""A sandbox with a small company of its own, served on a free port for one test."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from mailhouse.sandbox import klaviyo_members
from mailhouse.sandbox.klaviyo_events import event_row, metric_row
from mailhouse.sandbox.klaviyo_lists import flow_row, list_row
from mailhouse.sandbox.klaviyo_profiles import new_profile
from mailhouse.sandbox.klaviyo_segments import account_row, campaign_row, segment_row
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.server import announced, bound, server_of
from mailhouse.sandbox.store import Row, Store, stamp

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIST = "a1b2c3d4e5"
QUERY = "/shopify/admin/api/2026-07/graphql.json"


@dataclass
class Served:
    """A running sandbox and a caller who holds all its secrets."""

    url: str
    runtime: Runtime
    http: requests.Session = field(default_factory=requests.Session)
    shopify_token: str = ""

    @property
    def store(self) -> Store:
        return self.runtime.store

    @property
    def list_id(self) -> str:
        return LIST

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """One call with the vendor's own credentials."""
        headers, auth = more.pop("headers", {}), None
        if path.startswith("/hubspot"):
            headers = {"Authorization": f"Bearer {self.runtime.secrets['hubspot']['token']}", **headers}
        elif path.startswith("/mailchimp"):
            auth = ("anystring", self.runtime.secrets["mailchimp"]["api_key"])
        elif path.startswith("/shopify"):
            headers = {"X-Shopify-Access-Token": self.shopify_token, **headers}
        elif path.startswith("/klaviyo"):
            key = self.runtime.secrets["klaviyo"]["api_key"]
            own = {"Authorization": f"Klaviyo-API-Key {key}", "revision": "2026-07-15"}
            if body is not None:
                own["Content-Type"] = "application/vnd.api+json"
            headers = {**own, **headers}
        elif path.startswith("/sendgrid/v3"):
            key = self.runtime.secrets["sendgrid"]["api_key"]
            headers = {"Authorization": f"Bearer {key}", "Accept": "application/json", **headers}
        more.setdefault("timeout", 30)
        return self.http.request(method, self.url + path, json=body, headers=headers, auth=auth, **more)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.call("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def control(self, path: str, body: Any) -> Any:
        answer = self.call("POST", f"/_sandbox/{path}", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def calls(self) -> dict[str, Any]:
        return self.get("/_sandbox/calls")

    def log_in_to_shopify(self) -> None:
        secrets = self.runtime.secrets["shopify"]
        answer = self.call("POST", "/shopify/admin/oauth/access_token", {"grant_type": "client_credentials", **secrets})
        assert answer.status_code == 200, answer.text
        self.shopify_token = answer.json()["access_token"]

    def graphql(self, query: str, /, **variables: Any) -> dict[str, Any]:
        if not self.shopify_token:
            self.log_in_to_shopify()
        answer = self.call("POST", QUERY, {"query": query, "variables": variables})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def data(self, query: str, /, **variables: Any) -> dict[str, Any]:
        answer = self.graphql(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def mailchimp(self, method: str, path: str, body: Any = None, **params: Any) -> requests.Response:
        return self.call(method, f"/mailchimp/3.0{path}", body, params=params)

    def automation(self, title: str, status: str, **trigger: Any) -> str:
        """An automation of the list; its id."""
        number = str(self.store.count("mailchimp.automation") + 1)
        body = {"status": status, "recipients": {"list_id": LIST}, "settings": {"title": title}, "trigger_settings": trigger}
        self.store.put("mailchimp.automation", Row(number, body, NOW))
        return number

    def klaviyo(self, method: str, path: str, body: Any = None, /, status: int | None = None, **params: Any) -> Any:
        """One call of /api; the parsed answer once the status is as expected (200, or what was asked)."""
        wrong = {"X-Wrong-On-Purpose": "yes"} if (status or 200) >= 400 else {}
        answer = self.call(method, f"/klaviyo/api{path}", body, params=params, headers=wrong)
        assert answer.status_code == (status or 200), answer.text
        return answer.json() if answer.content else None

    def sendgrid(self, method: str, path: str, body: Any = None, /, status: int = 200, **params: Any) -> Any:
        """One call of /v3; the parsed answer once the status is as expected."""
        wrong = {"X-Wrong-On-Purpose": "yes"} if status >= 400 else {}
        answer = self.call(method, f"/sendgrid/v3{path}", body, params=params, headers=wrong)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def import_profiles(self, profiles: list[dict[str, Any]], *lists: str) -> dict[str, Any]:
        """A bulk import job of those attributes; the job as Klaviyo took it."""
        data = [{"type": "profile", "attributes": attributes} for attributes in profiles]
        job: dict[str, Any] = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": data}}}
        if lists:
            job["relationships"] = {"lists": {"data": [{"type": "list", "id": one} for one in lists]}}
        return self.klaviyo("POST", "/profile-bulk-import-jobs", {"data": job}, status=202)["data"]

    def effects(self, *names: str, vendor: str = "") -> list[dict[str, Any]]:
        """What callers changed, only the effects of those names when some are given."""
        found = self.get("/_sandbox/effects", vendor=vendor)["effects"]
        return [one for one in found if not names or one["effect"] in names]

    def batch(self, members: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        answer = self.mailchimp("POST", f"/lists/{LIST}", {"members": members, "update_existing": True, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()


def contact(number: int, minutes_ago: int, **properties: Any) -> Row:
    changed = stamp(NOW - timedelta(minutes=minutes_ago))
    own = {"email": f"contact{number}@example.org", "firstname": f"First {number}", "lastname": "Last", **properties}
    own |= {"createdate": changed, "lastmodifieddate": changed}
    body = {"id": str(number), "createdAt": changed, "updatedAt": changed, "archived": False, "archivedAt": None}
    return Row(str(number), {**body, "properties": own}, changed, email=own["email"])


def customer(number: int, minutes_ago: int) -> Row:
    changed = stamp(NOW - timedelta(minutes=minutes_ago))
    body = {
        "id": str(number),
        "firstName": "Cus",
        "lastName": f"Tomer {number}",
        "email": f"customer{number}@example.org",
        "phone": None,
        "state": "ENABLED",
        "locale": "en",
        "tags": ["a", "b"],
        "createdAt": changed,
        "updatedAt": changed,
        "defaultAddress": {"address1": "Street 1", "city": "Town", "zip": "12345", "countryCodeV2": "DE"},
        "emailMarketingConsent": {
            "marketingState": "SUBSCRIBED",
            "marketingOptInLevel": "CONFIRMED_OPT_IN",
            "consentUpdatedAt": changed,
        },
        "metafields": {"custom.favourite_category": "tea"},
    }
    return Row(str(number), body, changed, email=body["email"])


def order(number: int, customer_id: int, minutes_ago: int, lines: int = 2, refunded: bool = False) -> Row:
    changed = stamp(NOW - timedelta(minutes=minutes_ago))
    line_items = [
        {
            "id": str(number * 1000 + at),
            "title": f"Thing {at}",
            "sku": f"SKU{at}",
            "quantity": 3,
            "productId": "1",
            "variantId": "11",
            "unitPrice": "12.30",
            "discount": "1.90",
        }
        for at in range(lines)
    ]
    returned = {"lineItemId": line_items[0]["id"], "quantity": 1, "amount": "3.10"}
    refunds = [{"id": str(number * 10), "createdAt": changed, "amount": "3.10", "lines": [returned]}] if refunded else []
    body = {
        "id": str(number),
        "name": f"#{number}",
        "customerId": str(customer_id),
        "email": f"customer{customer_id}@example.org",
        "phone": None,
        "createdAt": changed,
        "processedAt": changed,
        "updatedAt": changed,
        "cancelledAt": None,
        "displayFinancialStatus": "PAID",
        "currencyCode": "EUR",
        "test": False,
        "sourceName": "web",
        "shippingAddress": {"countryCodeV2": "DE"},
        "lineItems": line_items,
        "refunds": refunds,
    }
    return Row(str(number), body, changed, parent=str(customer_id))


def member(name: str, status: str = "subscribed", minutes_ago: int = 60, **merge_fields: Any) -> Row:
    email = name if "@" in name else f"{name}@example.org"
    changed, key = stamp(NOW - timedelta(minutes=minutes_ago)), hashlib.md5(email.lower().encode()).hexdigest()
    body = {
        "id": key,
        "email_address": email,
        "contact_id": key,
        "unique_email_id": key[:10],
        "status": status,
        "full_name": "",
        "merge_fields": {"FNAME": "", "LNAME": "", **merge_fields},
        "timestamp_signup": None,
        "timestamp_opt": changed,
        "ip_signup": "",
        "ip_opt": "",
        "last_changed": changed,
        "language": "",
        "vip": False,
        "source": "Import",
        "location": {"country_code": "DE"},
    }
    return Row(key, body, changed, parent=LIST, email=email.lower())


def merge_field(number: int, tag: str, kind: str = "text", required: bool = False) -> Row:
    body = {"merge_id": number, "tag": tag, "name": tag.title(), "type": kind, "required": required, "default_value": ""}
    return Row(str(number), body, NOW, parent=LIST)


def klaviyo_account(store: Store) -> None:
    """Three lists, one of which starts a flow, and eight people with every kind of consent."""
    store.put_many("klaviyo.list", [list_row("LstAll", "Everybody", stamp(NOW)), list_row("LstNew", "Newsletter", stamp(NOW))])
    store.put("klaviyo.list", list_row("LstTwo", "Confirmed", stamp(NOW), "double_opt_in"))
    store.put("klaviyo.flow", flow_row("FlwWel", "Welcome", stamp(NOW), "LstNew"))
    store.put("klaviyo.segment", segment_row("SegAll", "All of them", stamp(NOW), "LstAll"))
    store.put("klaviyo.account", account_row("PUBKEY", "Brook & Hearth"))
    store.put("klaviyo.campaign", campaign_row("CmpOne", "Spring", "Spring is here", "LstAll", stamp(NOW), stamp(NOW)))
    at = stamp(NOW - timedelta(days=30))
    states: dict[str, dict[str, Any]] = {
        "ann": {"consent": "SUBSCRIBED", "consent_timestamp": at},
        "bob": {"consent": "UNSUBSCRIBED", "suppression": [{"reason": "UNSUBSCRIBE", "timestamp": at}]},
        "cay": {"suppression": [{"reason": "HARD_BOUNCE", "timestamp": at}]},
        "dan": {"consent": "SUBSCRIBED", "suppression": [{"reason": "SPAM_COMPLAINT", "timestamp": at}]},
        "eve": {"suppression": [{"reason": "USER_SUPPRESSED", "timestamp": at}]},
        "fay": {},
        "gus": {},
        "hal": {},
    }
    profiles = [
        new_profile(f"{name}@example.org", NOW - timedelta(days=40 - number), first_name=name.title(), marketing=state)
        for number, (name, state) in enumerate(states.items())
    ]
    store.put_many("klaviyo.profile", profiles)
    klaviyo_members.join(store, "LstAll", [row.id for row in profiles[:5]], at)
    metric = metric_row("Placed Order", at, {"object": "integration", "id": "s", "key": "shopify", "name": "Shopify"})
    store.put("klaviyo.metric", metric)
    moments = [stamp(NOW - timedelta(hours=hours)) for hours in range(12)]
    store.put_many("klaviyo.event", [event_row(profiles[0].id, metric.id, moment, {"$value": 9}) for moment in moments])


def fill(store: Store) -> None:
    """A company small enough to count on fingers."""
    store.set_now(NOW)
    store.put_many("hubspot.contact", [contact(number, minutes_ago=100 - number) for number in range(1, 13)])
    names = {"email": "string", "firstname": "string", "lastmodifieddate": "datetime", "loyalty_tier": "string"}
    for name, kind in names.items():
        body = {"name": name, "type": kind, "label": name, "custom": name == "loyalty_tier"}
        store.put("hubspot.property", Row(name, body, NOW))
    store.put_many("shopify.customer", [customer(number, minutes_ago=50 - number) for number in range(1, 8)])
    product = {"id": "1", "title": "Thing", "productType": "Things", "vendor": "Maker", "status": "ACTIVE"}
    product |= {"createdAt": stamp(NOW), "updatedAt": stamp(NOW)}
    product["variants"] = [{"id": "11", "sku": "SKU0", "title": "One", "price": "12.30"}]
    store.put("shopify.product", Row("1", product, NOW))
    store.put_many("shopify.order", [order(number, 1 + number % 3, 40 - number, refunded=number == 3) for number in range(1, 10)])
    store.put(
        "mailchimp.list", Row(LIST, {"id": LIST, "name": "Customers", "double_optin": False, "date_created": stamp(NOW)}, NOW)
    )
    store.put_many("mailchimp.merge_field", [merge_field(1, "FNAME"), merge_field(2, "LNAME"), merge_field(3, "SPENT", "number")])
    store.put_many(
        "mailchimp.member",
        [
            member("ann"),
            member("bob", "unsubscribed"),
            member("cay", "cleaned"),
            member("dan", "pending"),
            member("eve", "archived"),
        ],
    )
    klaviyo_account(store)


@pytest.fixture
def sandbox_factory(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Serves a company in this process; called with `fill`, which puts the company in, and a profile of limits."""
    ends: list[Callable[[], None]] = []

    def serve(fill: Callable[[Store], None] = fill, limits: str = "generous") -> Served:
        runtime = Runtime(tmp_path / f"sandbox{len(ends)}", limits)
        fill(runtime.store)
        listener = bound(0)
        server = server_of(runtime, listener)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the sandbox did not start"
            time.sleep(0.005)
        while announced(runtime.directory) is None:
            time.sleep(0.005)
        served = Served(server.content["url"], runtime)
        served.http.trust_env = False

        def end() -> None:
            served.http.close()
            server.should_exit = True
            thread.join(timeout=20)
            runtime.close()

        ends.append(end)
        return served

    yield serve
    for end in ends:
        end()


@pytest.fixture
def sandbox_server(sandbox_factory: Callable[..., Served]) -> Served:
    """The small company with generous limits."""
    return sandbox_factory()


@pytest.fixture
def company() -> Callable[[Store], None]:
    """Puts the small company into a store."""
    return fill


@pytest.fixture
def small_order() -> Callable[..., Row]:
    """Makes an order: (number, customer, minutes ago, lines=2, refunded=False)."""
    return order
