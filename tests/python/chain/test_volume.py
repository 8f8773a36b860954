"""More than any one answer of a vendor holds: 10,000 results of a search, 250 lines of an order, 1,000 members of a page."""

import copy
from datetime import timedelta

from flows.demo import serving
from ingestion.landing import land
from mailhouse import sandbox
from mailhouse.clock import FixedClock
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.warehouse import Warehouse
from tests.python.chain.conftest import settings_in

CONTACTS, LINES = 10_050, 300
VENDORS = ("hubspot", "shopify", "mailchimp")


def test_nothing_is_cut_off(tmp_path):
    settings = settings_in(tmp_path)
    sandbox.create(settings.sandbox_dir, seed=2, customers=1_700)
    store = Store(settings.sandbox_dir / "state.db")
    members = store.count("mailchimp.member", parent=store.page("mailchimp.list", limit=1)[0].id)
    assert members > 1_000
    template = store.page("hubspot.contact", limit=1)[0]
    store.put_many("hubspot.contact", (contact(template, number, store.now()) for number in range(CONTACTS)))
    order = store.page("shopify.order", limit=1)[0]
    store.put_many("shopify.order", [long_order(order)])
    expected = store.count("hubspot.contact")

    with serving(settings) as live:
        # a clock that does not wait: our own pace for the vendor's search is no subject here
        assert {one.connection_id: one.error for one in land(live, FixedClock(store.now()), only=VENDORS) if one.error} == {}
        # all of them change within one second, so that the search for what changed has more than it may answer
        later = store.now() + timedelta(hours=6)
        store.set_now(later)
        store.put_many("hubspot.contact", (contact(template, number, later, city="Rome") for number in range(CONTACTS)))
        hubspot = land(live, FixedClock(later), only=["hubspot"])[0]
        assert hubspot.error is None

    with Warehouse(settings).write() as connection:

        def count(query: str) -> int:
            return connection.execute(query).fetchall()[0][0]

        assert count("select count(distinct id) from raw_hubspot.contacts where not archived") == expected
        assert count("select count(*) from raw_hubspot.contacts where city = 'Rome' and id like '99%'") == CONTACTS
        assert count(f"select count(*) from raw_shopify.order_lines where order_id = '{order.id}'") == LINES
        assert count("select count(distinct id) from raw_mailchimp.members") >= members


def contact(template: Row, number: int, moment, **changed: str) -> Row:
    """A contact of its own, touched a millisecond after the one before it within the same second."""
    body = copy.deepcopy(template.body)
    identifier = f"99{number:07d}"
    touched = stamp(moment + timedelta(milliseconds=number % 1000))
    body |= {"id": identifier, "updatedAt": touched, "archived": False}
    email = f"person{number}@example.org"
    body["properties"] |= {"email": email, "lastmodifieddate": touched, "hs_object_id": identifier, **changed}
    return Row(id=identifier, body=body, updated_at=touched, email=email)


def long_order(order: Row) -> Row:
    """The same order with far more lines than one page of them holds."""
    body = copy.deepcopy(order.body)
    body["lineItems"] = [{**body["lineItems"][0], "id": f"77{number:06d}"} for number in range(LINES)]
    return Row(id=order.id, body=body, updated_at=order.updated_at, parent=order.parent)
