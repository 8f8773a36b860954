"""Who buys when and for how much, until they stop: BG/NBD for the orders, gamma-gamma for their value.

While alive a customer buys at an own rate (gamma over people) and may leave for good after every repeat order (chance
beta over people); an order's value scatters around an own mean (gamma of gamma). Money is in cents.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from mailhouse.sandbox.company.catalogue import TYPES, Product
from mailhouse.sandbox.company.people import Person

RATE_SHAPE, RATE_WEEKS = 0.75, 9.0  # gamma: mean 0.083 orders a week
DROP_A, DROP_B = 0.8, 2.6  # beta: mean 0.24
VALUE_SHAPE, MEAN_SHAPE, MEAN_SCALE = 5.0, 4.0, 4_000.0  # an order is worth about 66 on average
MOST_LINES = 8


def character(rng: Random, person: Person) -> None:
    """Draws what kind of buyer the person is."""
    person.rate = rng.gammavariate(RATE_SHAPE, 1 / RATE_WEEKS) / 7
    person.drop = rng.betavariate(DROP_A, DROP_B)
    person.spend = VALUE_SHAPE * MEAN_SCALE / rng.gammavariate(MEAN_SHAPE, 1.0)
    person.favourite = rng.choice(list(TYPES))


def order_times(rng: Random, person: Person, until: datetime) -> Iterator[datetime]:
    """The first order and the repeats before `until`; says in `is_alive` whether the person may come again."""
    moment = person.seen_from
    yield moment
    while person.rate > 0:
        days = rng.expovariate(person.rate)
        if days > 36_500:
            return
        moment = (moment + timedelta(days=days, seconds=1)).replace(microsecond=0)
        if moment >= until:
            return
        yield moment
        if rng.random() < person.drop:
            person.is_alive = False
            return


def basket(rng: Random, person: Person, products: list[Product], by_kind: dict[str, list[Product]]) -> list[tuple[Product, int]]:
    """Products and quantities that come near the value drawn for this order."""
    target = rng.gammavariate(VALUE_SHAPE, person.spend / VALUE_SHAPE) if person.spend > 0 else 0.0
    chosen: list[tuple[Product, int]] = []
    total = 0
    while total < target * 0.85 and len(chosen) < MOST_LINES:
        shelf = by_kind[person.favourite] if person.favourite in by_kind and rng.random() < 0.5 else products
        product = min(rng.choice(shelf), rng.choice(shelf), key=lambda one: abs(one.price - (target - total)))
        quantity = max(1, min(6, int((target - total) / product.price))) if rng.random() < 0.4 else 1
        chosen.append((product, quantity))
        total += product.price * quantity
    return chosen or [(min(products, key=lambda one: one.price), 1)]


def shelves(products: list[Product]) -> dict[str, list[Product]]:
    """The products of each kind."""
    found: dict[str, list[Product]] = {}
    for product in products:
        found.setdefault(product.kind, []).append(product)
    return found
