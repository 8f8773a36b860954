"""A shop, asked through the real sandbox: bulk first, changes later, nested pages to their end, removals by count."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ingestion.shopify import orders, settings
from mailhouse.clock import FixedClock
from mailhouse.errors import CredentialsRejected
from mailhouse.sandbox.store import Row, stamp
from tests.python.ingestion.conftest import connect_all
from tests.python.sandbox import conftest as small


@pytest.fixture
def shop(place, vendors):
    place.only = ["shopify"]
    return vendors


def land(place):
    return place.land(only=["shopify"])["shopify"]


def later(shop):
    """Time passes in the shop: an hour, so that the lag of the first landing is behind us."""
    now = shop.store.now() + timedelta(hours=1)
    shop.store.set_now(now)
    return now


def test_everything_lands_by_bulk_operation_then_only_what_changed(place, shop):
    first = land(place)
    assert first.error is None
    counted = {"customers": 7, "products": 1, "orders": 9, "order_lines": 18, "refunds": 1}
    assert first.new == {**counted, "abandoned_checkouts": 0, "removed": 0}
    asked = shop.asked("shopify")
    assert asked["/bulk/{name}"] == 7 + 2 + 27
    now = later(shop)
    changed = small.order(4, 2, 0)
    changed.body |= {"updatedAt": stamp(now), "cancelledAt": stamp(now)}
    changed.updated_at = now
    shop.store.put_many("shopify.order", [changed])
    second = land(place)
    asked = shop.asked("shopify")
    assert "/bulk/{name}" not in asked
    # the changed order, and of each kind what was last changed before, within the lag
    assert second.changed["orders"] <= 7
    assert second.new == dict.fromkeys(first.new, 0)
    assert place.one("select cancelled_at is not null from raw_shopify.orders where id = '4'")


def test_what_lands_is_what_the_shop_has(place, shop):
    place.list_custom(shopify="{favourite_category: text}")
    land(place)
    order = place.rows(
        "select customer_id, currency, total_amount, total_refunded_amount, country_code, test"
        " from raw_shopify.orders where id = '3'"
    )[0]
    assert [str(value) for value in order] == ["1", "EUR", "70.0000", "3.1000", "DE", "False"]
    lines = place.rows(
        "select order_id, position, quantity, unit_price, discount_amount, product_id, variant_id, currency"
        " from raw_shopify.order_lines where order_id = '3' order by position"
    )
    assert [str(value) for value in lines[1]] == ["3", "2", "3", "12.3000", "1.9000", "1", "11", "EUR"]
    refund = place.rows("select order_id, amount, currency, lines from raw_shopify.refunds")[0]
    assert [str(value) for value in refund] == [
        "3",
        "3.1000",
        "EUR",
        '[{"line_item_id":"3000","quantity":1,"amount":"3.10"}]',
    ]
    customer = place.rows(
        "select first_name, country_code, email_marketing_state, tags, favourite_category"
        " from raw_shopify.customers where id = '1'"
    )[0]
    assert customer == ("Cus", "DE", "SUBSCRIBED", '["a","b"]', "tea")


def test_orders_of_more_lines_than_a_page_are_drained_both_ways(place, shop):
    shop.store.put_many("shopify.order", [small.order(50, 1, 0, lines=600)])
    land(place)
    now = later(shop)
    changed = small.order(51, 1, 0, lines=700)
    changed.body["updatedAt"], changed.updated_at = stamp(now), now
    shop.store.put_many("shopify.order", [changed])
    land(place)
    found = place.rows(
        "select order_id, count(*), count(distinct position), min(position), max(position)"
        " from raw_shopify.order_lines where order_id in ('50', '51') group by all order by all"
    )
    assert found == [("50", 600, 600, 1, 600), ("51", 700, 700, 1, 700)]


def test_a_bulk_file_that_is_not_grouped_gives_the_same_lines(place, shop, monkeypatch):
    real = orders.bulk.rows

    def shuffled(asked, query):
        rows = list(real(asked, query))
        return iter([row for row in rows if "__parentId" not in row] + [row for row in rows if "__parentId" in row][::-1])

    monkeypatch.setattr(orders.bulk, "rows", shuffled)
    land(place)
    assert place.rows("select count(*), count(distinct id), max(position) from raw_shopify.order_lines") == [(18, 18, 2)]


def test_a_bulk_file_that_breaks_off_is_read_again(place, shop, monkeypatch):
    real, broken = orders.bulk._lines, []

    def breaking(asked, url):
        for number, record in enumerate(real(asked, url)):
            if number == 5 and len(broken) < 2:
                broken.append(url)
                return
            yield record

    monkeypatch.setattr(orders.bulk, "_lines", breaking)
    assert land(place).error is None
    assert len(broken) == 2
    assert place.one("select count(*) from raw_shopify.order_lines") == 18


def test_a_customer_the_shop_no_longer_has_is_noticed_and_one_that_returns_is_too(place, shop):
    land(place)
    gone = shop.store.get("shopify.customer", "2")
    shop.store.delete("shopify.customer", "2")
    assert land(place).new["removed"] == 1
    assert place.rows("select resource, parent_id, id from raw_shopify.removed") == [("customers", "", "2")]
    shop.asked("shopify")
    land(place)
    assert not any("ids" in path for path in shop.asked("shopify"))
    assert place.one("select count(*) from raw_shopify.removed") == 1
    shop.store.put_many("shopify.customer", [gone])
    land(place)
    assert place.one("select count(*) from raw_shopify.removed") == 0


def test_throttling_told_in_the_body_is_waited_for(place, sandbox_factory):
    served = sandbox_factory(limits="small")
    connect_all(place, served)
    assert place.land(only=["shopify"])["shopify"].error is None
    assert place.one("select count(*) from raw_shopify.orders") == 9


def test_pages_are_made_smaller_when_the_shop_finds_them_too_costly(place, shop, monkeypatch):
    land(place)
    later(shop)
    monkeypatch.setattr(settings, "ORDERS_PAGE", 200)
    now = later(shop)
    changed = [small.order(number, 1, 0) for number in range(100, 160)]
    for row in changed:
        row.body["updatedAt"], row.updated_at = stamp(now), now
    shop.store.put_many("shopify.order", changed)
    assert land(place).error is None
    assert place.one("select count(*) from raw_shopify.orders") == 69


def test_a_wrong_client_secret_is_told_by_its_name(place, shop):
    place.connect(
        "shopify", f"{shop.served.url}/shopify", secrets={**shop.served.runtime.secrets["shopify"], "client_secret": "wrong"}
    )
    error = land(place).error
    assert type(error) is CredentialsRejected
    assert "SHOPIFY_CLIENT_SECRET" in str(error)


def leave_checkout(shop, number, at, lines=1, completed_at=None):
    held = {"quantity": 1, "productId": "1", "variantId": "11", "unitPrice": "12.30", "title": "Thing", "sku": "SKU0"}
    body = {"id": str(number), "name": f"#{number}", "customerId": "1", "currencyCode": "EUR", "createdAt": stamp(at)}
    body |= {"updatedAt": stamp(at), "completedAt": completed_at, "abandonedCheckoutUrl": f"https://shop.example/{number}"}
    body["lineItems"] = [{**held, "id": f"{number}{line}"} for line in range(lines)]
    shop.store.put("shopify.checkout", Row(str(number), body, at, at, "1"))


def test_checkouts_that_were_left_land_with_all_their_lines_and_later_only_the_changed(place, shop):
    at = shop.store.now() - timedelta(days=1)
    for number in range(1, 26):
        leave_checkout(shop, number, at - timedelta(hours=25 - number), lines=14 if number == 25 else 2)
    landed = land(place)
    assert (landed.error, landed.new["abandoned_checkouts"]) == (None, 25)
    asked = "select customer_id, total_amount, currency, recovery_url, json_array_length(lines)"
    found = place.rows(f"{asked} from raw_shopify.abandoned_checkouts where id = '25'")
    assert [(one[0], float(one[1]), *one[2:]) for one in found] == [("1", 172.2, "EUR", "https://shop.example/25", 14)]
    now = later(shop)
    leave_checkout(shop, 7, now, completed_at=stamp(now))
    place.clock = FixedClock(now)
    # the latest of the first landing comes once more, for what the shop may have shown late
    assert land(place).changed["abandoned_checkouts"] == 2
    assert place.rows("select id from raw_shopify.abandoned_checkouts where completed_at is not null") == [("7",)]


def test_a_shop_that_keeps_its_checkouts_to_itself_is_read_without_them(place, shop):
    leave_checkout(shop, 1, shop.store.now())
    connection = place.connections["shopify"]
    place.connections["shopify"] = replace(connection, settings={"abandoned_checkouts": False})
    landed = land(place)
    assert (landed.error, landed.new["abandoned_checkouts"], landed.new["orders"]) == (None, 0, 9)
