"""The orders of a file as Shopify would have kept them: nothing added, nothing left out, money as it was written."""

from collections.abc import Iterator
from datetime import UTC

from mailhouse.sandbox.company.calendar import iso
from mailhouse.sandbox.company.orders_file import OrdersFile
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.store import Row

NO_DISCOUNT = "0.00"


def product_rows(company: Company, file: OrdersFile) -> tuple[list[Row], dict[str, tuple[str, str]]]:
    """The catalogue, and (product id, variant id) of each sku."""
    rows, ids = [], {}
    for product in file.products():
        ids[product.sku] = company.next_id("shopify.product"), company.next_id("shopify.variant")
        made, changed = iso(product.first_at.replace(tzinfo=UTC)), iso(product.last_at.replace(tzinfo=UTC))
        variant = {"id": ids[product.sku][1], "sku": product.sku, "title": "Default Title", "price": product.price}
        body = {
            "id": ids[product.sku][0],
            "title": product.title,
            "productType": "",
            "vendor": "",
            "status": "ACTIVE",
            "createdAt": made,
            "updatedAt": changed,
            "variants": [variant],
        }
        rows.append(Row(ids[product.sku][0], body, changed, made))
    return rows, ids


def order_rows(
    company: Company,
    file: OrdersFile,
    products: dict[str, tuple[str, str]],
    customers: dict[str, tuple[str, Person]],
    counted: dict[str, int],
) -> Iterator[Row]:
    """One row an order, under the customer of its customer_ref; counts lines into `counted`."""
    for order in file.orders():
        customer_id, person = customers[order.customer_ref]
        at = iso(order.ordered_at)
        lines = []
        for line in order.lines:
            product_id, variant_id = products[line["sku"]]
            lines.append(
                {
                    "id": company.next_id("shopify.line"),
                    "title": line["title"] or line["sku"],
                    "sku": line["sku"],
                    "quantity": line["quantity"],
                    "productId": product_id,
                    "variantId": variant_id,
                    "unitPrice": line["unit_price"],
                    "discount": NO_DISCOUNT,
                }
            )
        counted["order_lines"] += len(lines)
        body = {
            "id": company.next_id("shopify.order"),
            "name": order.order_id,
            "customerId": customer_id,
            "email": person.shop_email,
            "phone": person.phone,
            "createdAt": at,
            "processedAt": at,
            "updatedAt": at,
            "cancelledAt": None,
            "displayFinancialStatus": "PAID",
            "currencyCode": order.currency,
            "test": False,
            "sourceName": "web",
            "shippingAddress": {"countryCodeV2": order.country},
            "lineItems": lines,
            "refunds": [],
        }
        yield Row(body["id"], body, at, at, customer_id, (person.shop_email or "").lower())
