"""Shopify: the shop tells the scopes of the app that is installed; then one record of each kind is read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mailhouse.clock import Clock
from mailhouse.live.question import Question
from mailhouse.live.scopes import Scope, compared
from mailhouse.settings import Connection
from mailhouse.withdrawals.shopify_graphql import Shop, opened

SCOPES = "{ currentAppInstallation { accessScopes { handle } } }"
# whoever may write may read
WANTED = (
    Scope("read_customers", ("write_customers",)),
    Scope("write_customers"),
    Scope("read_orders", ("write_orders",)),
    Scope("read_products", ("write_products",)),
    Scope("read_all_orders", without="no order older than 60 days is seen"),
    Scope("write_customer_data_erasure", without="customers with orders cannot be erased there"),
)
KINDS = {"customers": "a customer", "orders": "an order", "products": "a product"}
# a permission of the app's user beside read_orders, which no scope tells: `settings: {abandoned_checkouts: false}`
CHECKOUTS = "abandonedCheckouts"


@asynccontextmanager
async def questions(connection: Connection, clock: Clock) -> AsyncIterator[list[Question]]:
    """The scopes, and one read of each kind that lands."""
    kinds = dict(KINDS)
    if connection.settings.get("abandoned_checkouts", True):
        kinds[CHECKOUTS] = "an abandoned checkout"
    async with opened(connection, clock) as (client, version):
        shop = Shop(client, version)

        async def scopes() -> str:
            told = (await shop.read(SCOPES, {}))["currentAppInstallation"]["accessScopes"]
            return compared({str(one["handle"]) for one in told}, WANTED, "add them to the app and install it anew")

        yield [Question("scopes", scopes), *(_one_of(shop, root, kind) for root, kind in kinds.items())]


def _one_of(shop: Shop, root: str, kind: str) -> Question:
    async def ask() -> str:
        found = await shop.read(f"{{ {root}(first: 1) {{ nodes {{ id }} }} }}", {})
        return f"{root} answers {len(found[root]['nodes'])}"

    return Question(f"read {kind}", ask)
