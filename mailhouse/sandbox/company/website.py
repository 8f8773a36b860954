"""The company's website as its visitors' browsers tell Segment of it: pages, products, carts, who signs in.

What happens on a day is a function of the company's number, the person and the day, and of the shop's orders of that day:
nothing else is drawn from, so that a company is the same with or without its website.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from mailhouse.sandbox.company.calendar import iso
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.shop_orders import CURRENCY

SHARE_OF_VISITORS, SHARE_WITH_ACCOUNT = 0.33, 0.6
SHARE_OF_DAYS = 0.11  # on which a visitor comes: some three visits and twenty events a month
SHARE_SIGNING_IN, SHARE_OF_CARTS, SHARE_OF_ORDERS_SEEN, SHARE_AT_ANOTHERS = 0.5, 0.3, 0.7, 0.02
PAGES = (("Home", "/"), ("New in", "/new"), ("Gifts", "/gifts"), ("About us", "/about"), ("Delivery", "/delivery"))
HOST = "https://shop.example"


@dataclass(frozen=True, slots=True)
class Ware:
    """What the website shows of a product; the price in the currency's own units, as text."""

    product_id: str
    sku: str
    title: str
    price: str


def is_visitor(seed: int, person: Person) -> bool:
    """Whether somebody ever comes to the website."""
    return Random(f"{seed}:website:{person.person_id}").random() < SHARE_OF_VISITORS


def user_id(person: Person) -> str:
    """How the website calls somebody's account."""
    return f"acct_{int(person.person_id[1:]) * 7919 % 1_000_003:06d}"


def device(seed: int, person: Person, number: int = 0) -> str:
    """The anonymous id of a browser of theirs."""
    return str(UUID(int=Random(f"{seed}:website:{person.person_id}:device:{number}").getrandbits(128), version=4))


class Visitor:
    """One person's browser on one day."""

    def __init__(self, seed: int, person: Person, other: Person, start: datetime) -> None:
        self.person = person
        self.start = start
        self.rng = Random(f"{seed}:website:{person.person_id}:{start:%Y-%m-%d}")
        rare = self.rng.random()
        # now and then on somebody else's device, or on a second one of their own
        self.anonymous_id = device(seed, other if rare < SHARE_AT_ANOTHERS else person, int(rare > 0.9))
        # the account is a function of the person, whoever asks
        self.has_account = person.in_shop and Random(f"{seed}:website:{person.person_id}:account").random() < SHARE_WITH_ACCOUNT
        self.signed_in = False
        self.count = 0

    def day(self, wares: list[Ware], orders: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Everything they do in the day that begins at `start`, in order."""
        come = self.rng.random() < SHARE_OF_DAYS
        for order in orders:
            if self.rng.random() < SHARE_OF_ORDERS_SEEN:
                yield from self._buy(order)
                come = False
        if come and self.person.seen_from < self.start:
            yield from self._visit(self.start + timedelta(seconds=self.rng.randrange(75_000)), wares)

    def _visit(self, moment: datetime, wares: list[Ware]) -> Iterator[dict[str, Any]]:
        signs_in = self.has_account and self.rng.random() < SHARE_SIGNING_IN
        for number in range(self.rng.randint(2, 6)):
            yield self._page(moment, *self.rng.choice(PAGES))
            moment += timedelta(seconds=self.rng.randint(5, 240))
            if signs_in and number == 1:
                yield self._sign_in(moment)
            if self.rng.random() < 0.4 and wares:
                yield self._track(moment, "Product Viewed", _product(self.rng.choice(wares), 1))
        if self.rng.random() < SHARE_OF_CARTS and wares:
            yield from self._leave_cart(moment, wares)

    def _leave_cart(self, moment: datetime, wares: list[Ware]) -> Iterator[dict[str, Any]]:
        cart = f"cart-{self.rng.getrandbits(40):010x}"
        chosen = [_product(self.rng.choice(wares), self.rng.randint(1, 2)) for _ in range(self.rng.randint(1, 3))]
        for product in chosen:
            moment += timedelta(seconds=self.rng.randint(10, 90))
            yield self._track(moment, "Product Added", {"cart_id": cart, "currency": CURRENCY, **product})
        if self.rng.random() < 0.2:
            moment += timedelta(seconds=40)
            yield self._track(moment, "Product Removed", {"cart_id": cart, "currency": CURRENCY, **chosen[-1]})
        if self.rng.random() < 0.4:
            moment += timedelta(seconds=60)
            yield self._track(moment, "Checkout Started", {"currency": CURRENCY})

    def _buy(self, order: dict[str, Any]) -> Iterator[dict[str, Any]]:
        ordered = datetime.fromisoformat(order["processedAt"])
        lines = [
            {
                "product_id": one["productId"],
                "sku": one["sku"],
                "name": one["title"],
                "price": one["unitPrice"],
                "quantity": one["quantity"],
            }
            for one in order["lineItems"]
        ]
        currency, cart = order["currencyCode"], f"cart-{self.rng.getrandbits(40):010x}"
        first = max(self.start, ordered - timedelta(minutes=12))
        yield self._page(first, *PAGES[0])
        if self.has_account:
            yield self._sign_in(first + (ordered - first) * 0.2)
        for line in lines[:5]:
            yield self._track(first + (ordered - first) * 0.5, "Product Added", {"cart_id": cart, "currency": currency, **line})
        yield self._track(first + (ordered - first) * 0.8, "Checkout Started", {"currency": currency, "products": lines})
        total = sum(float(one["price"]) * one["quantity"] for one in lines) - sum(
            float(one["discount"]) for one in order["lineItems"]
        )
        told = {"order_id": order["id"], "total": round(total, 2), "currency": currency, "products": lines}
        yield self._track(ordered, "Order Completed", told)

    def _sign_in(self, moment: datetime) -> dict[str, Any]:
        self.signed_in = True
        traits = {
            "email": self.person.shop_email or self.person.private,
            "firstName": self.person.given,
            "lastName": self.person.family,
        }
        return self._call("identify", moment, traits=traits)

    def _page(self, moment: datetime, name: str, path: str) -> dict[str, Any]:
        return self._call("page", moment, name=name, properties={"title": name, "path": path, "url": HOST + path})

    def _track(self, moment: datetime, event: str, properties: dict[str, Any]) -> dict[str, Any]:
        return self._call("track", moment, event=event, properties=properties)

    def _call(self, call: str, moment: datetime, **more: Any) -> dict[str, Any]:
        self.count += 1
        named = {"userId": user_id(self.person)} if self.signed_in else {}
        return {
            "type": call,
            "messageId": f"{self.start:%Y%m%d}-{self.person.person_id}-{self.count}",
            "anonymousId": self.anonymous_id,
            **named,
            "timestamp": iso(moment),
            "receivedAt": iso(moment + timedelta(seconds=2)),
            "context": {"library": {"name": "analytics.js", "version": "4.1.0"}, "locale": self.person.language},
            **more,
        }


def _product(ware: Ware, quantity: int) -> dict[str, Any]:
    return {"product_id": ware.product_id, "sku": ware.sku, "name": ware.title, "price": ware.price, "quantity": quantity}
