"""What each field of Shopify's objects says, the same for a query and for a bulk operation."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from graphql import GraphQLError

from mailhouse.sandbox.shopify_search import (
    CHECKOUT,
    CUSTOMER,
    ORDER,
    PRODUCT,
    Search,
    checked_first,
    connection,
    cursor,
    every,
    found,
    opened,
    sliced,
    sort_value,
)
from mailhouse.sandbox.store import Store

KINDS = {"Customer": CUSTOMER, "Order": ORDER, "Product": PRODUCT, "AbandonedCheckout": CHECKOUT}
Object = dict[str, Any]
CHECKOUT_TYPES = ("AbandonedCheckout", "AbandonedCheckoutLineItem")


class Shop:
    """What the fields of one query need beside their object."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.warnings: list[Object] = []
        self._products: dict[str, Object | None] = {}

    def load(self, type_name: str, identifier: str) -> Object | None:
        row = self.store.get(KINDS[type_name], identifier)
        return None if row is None or row.deleted else row.body

    def product(self, identifier: str | None) -> Object | None:
        """Products are few and asked for by every line, so they are remembered."""
        if not identifier:
            return None
        if identifier not in self._products:
            if len(self._products) > 20_000:
                self._products.clear()
            self._products[identifier] = self.load("Product", identifier)
        return self._products[identifier]

    def search(self, field: str, kind: str, text: str | None) -> Search:
        """A search whose unknown fields are told in the answer's extensions."""
        search = Search(kind, text)
        if search.unknown:
            warnings = [{"field": name, "message": "Invalid search field for this query."} for name in search.unknown]
            self.warnings.append({"path": [field], "query": text, "warnings": warnings})
        return search


Resolver = Callable[[Object, Object, Shop], Any]
FIELDS: dict[tuple[str, str], Resolver] = {}
# the members of a connection, all of them, for bulk operations
CHILDREN: dict[tuple[str, str], Callable[[Object, Object, Shop], Iterable[Object]]] = {}


def gid(type_name: str, identifier: str) -> str:
    return f"gid://shopify/{type_name}/{identifier}"


def bare(identifier: str, type_name: str = "") -> str:
    """The number within a global id; raises GraphQLError for anything else."""
    prefix, _, number = identifier.rpartition("/")
    if not prefix.startswith("gid://shopify/") or (type_name and prefix != f"gid://shopify/{type_name}") or not number.isdigit():
        raise GraphQLError(f"Invalid global id '{identifier}'", extensions={"code": "argumentLiteralsIncompatible"})
    return number


def field(type_name: str, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a resolver under one or more fields; it takes the object, its arguments and the shop."""

    def register(resolver: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            FIELDS[type_name, name] = resolver
        return resolver

    return register


def _moment(name: str) -> Resolver:
    def resolve(item: Object, _: Object, __: Shop) -> str | None:
        text = item.get(name)
        return f"{text[:19]}Z" if text else None

    return resolve


for _type, _names in {
    "Customer": ("createdAt", "updatedAt"),
    "Order": ("createdAt", "updatedAt", "processedAt", "cancelledAt"),
    "Product": ("createdAt", "updatedAt"),
    "AbandonedCheckout": ("createdAt", "updatedAt", "completedAt"),
    "Refund": ("createdAt",),
    "CustomerEmailMarketingConsentState": ("consentUpdatedAt",),
    "BulkOperation": ("createdAt", "completedAt"),
}.items():
    for _name in _names:
        FIELDS[_type, _name] = _moment(_name)
FIELDS["Refund", "updatedAt"] = FIELDS["Refund", "createdAt"]
for _type in ("Customer", "Order", "Product", "LineItem", "Refund", "ProductVariant", "Shop", *CHECKOUT_TYPES):
    FIELDS[_type, "id"] = lambda item, _, __, of=_type: gid(of, item["id"])
for _type in ("Customer", "Order", "Product", "Refund", "ProductVariant"):
    FIELDS[_type, "legacyResourceId"] = lambda item, _, __: item["id"]


# -- customers --------------------------------------------------------------------------------------------------------
@field("Customer", "displayName")
def display_name(customer: Object, _: Object, __: Shop) -> str:
    name = " ".join(part for part in (customer.get("firstName"), customer.get("lastName")) if part)
    return name or customer.get("email") or ""


@field("Customer", "tags")
def tags(customer: Object, _: Object, __: Shop) -> list[str]:
    return customer.get("tags") or []


@field("Customer", "locale")
def locale(customer: Object, _: Object, __: Shop) -> str:
    return customer.get("locale") or "en"


@field("Customer", "addresses")
def addresses(customer: Object, _: Object, __: Shop) -> list[Object]:
    return [customer["defaultAddress"]] if customer.get("defaultAddress") else []


@field("Customer", "defaultEmailAddress")
def default_email(customer: Object, _: Object, __: Shop) -> Object | None:
    if not customer.get("email"):
        return None
    consent = customer.get("emailMarketingConsent") or {}
    since = consent.get("consentUpdatedAt")
    return {
        "emailAddress": customer["email"],
        "marketingState": consent.get("marketingState", "NOT_SUBSCRIBED"),
        "marketingOptInLevel": consent.get("marketingOptInLevel"),
        "marketingUpdatedAt": f"{since[:19]}Z" if since else None,
    }


@field("Customer", "defaultPhoneNumber")
def default_phone(customer: Object, _: Object, __: Shop) -> Object | None:
    return {"phoneNumber": customer["phone"]} if customer.get("phone") else None


def _metafields(customer: Object, args: Object, _: Shop) -> list[Object]:
    """Kept under `namespace.key`."""
    all_of_them = []
    for full, value in (customer.get("metafields") or {}).items():
        namespace, _dot, key = full.partition(".")
        if value is not None and args.get("namespace") in (None, namespace):
            all_of_them.append({"namespace": namespace, "key": key, "type": "single_line_text_field", "value": str(value)})
    return all_of_them


@field("Customer", "metafield")
def metafield(customer: Object, args: Object, shop: Shop) -> Object | None:
    fitting = [one for one in _metafields(customer, args, shop) if one["key"] == args["key"]]
    return fitting[0] if fitting else None


@field("Customer", "numberOfOrders")
def number_of_orders(customer: Object, _: Object, shop: Shop) -> str:
    return str(shop.store.count(ORDER, customer["id"]))


# -- orders -----------------------------------------------------------------------------------------------------------
def _bag(amount: Decimal, currency: str) -> Object:
    money = {"amount": f"{amount:f}", "currencyCode": currency}
    return {"shopMoney": money, "presentmentMoney": money}


def _line_total(line: Object) -> Decimal:
    return line["quantity"] * Decimal(line["unitPrice"]) - Decimal(line.get("discount") or "0.00")


def _total(order: Object) -> Decimal:
    return sum((_line_total(line) for line in order["lineItems"]), Decimal("0.00"))


def _refunded(order: Object) -> Decimal:
    return sum((Decimal(refund["amount"]) for refund in order.get("refunds") or ()), Decimal("0.00"))


@field("Order", "totalPriceSet", "subtotalPriceSet", "totalReceivedSet")
def total_price(order: Object, _: Object, __: Shop) -> Object:
    return _bag(_total(order), order["currencyCode"])


@field("Order", "currentTotalPriceSet", "netPaymentSet")
def net_price(order: Object, _: Object, __: Shop) -> Object:
    return _bag(_total(order) - _refunded(order), order["currencyCode"])


@field("Order", "totalRefundedSet")
def total_refunded(order: Object, _: Object, __: Shop) -> Object:
    return _bag(_refunded(order), order["currencyCode"])


@field("Order", "totalDiscountsSet")
def total_discounts(order: Object, _: Object, __: Shop) -> Object:
    discounts = (Decimal(line.get("discount") or "0.00") for line in order["lineItems"])
    return _bag(sum(discounts, Decimal("0.00")), order["currencyCode"])


@field("Order", "presentmentCurrencyCode")
def presentment_currency(order: Object, _: Object, __: Shop) -> str:
    return order["currencyCode"]


@field("Order", "billingAddress")
def billing_address(order: Object, _: Object, __: Shop) -> Object | None:
    return order.get("billingAddress") or order.get("shippingAddress")


@field("Order", "test")
def test(order: Object, _: Object, __: Shop) -> bool:
    return bool(order.get("test"))


@field("Order", "customer")
def customer_of(order: Object, _: Object, shop: Shop) -> Object | None:
    return shop.load("Customer", order["customerId"]) if order.get("customerId") else None


@field("Order", "refunds")
def refunds(order: Object, args: Object, _: Shop) -> list[Object]:
    return [{**refund, "order": order} for refund in (order.get("refunds") or ())[: args.get("first")]]


def _lines(order: Object, _: Object, __: Shop) -> list[Object]:
    return [{**line, "order": order} for line in order["lineItems"]]


FIELDS["LineItem", "name"] = lambda line, _, __: line["title"]


@field("LineItem", "currentQuantity")
def current_quantity(line: Object, _: Object, __: Shop) -> int:
    taken_back = (
        part["quantity"]
        for refund in line["order"].get("refunds") or ()
        for part in refund.get("lines") or ()
        if part["lineItemId"] == line["id"]
    )
    return line["quantity"] - sum(taken_back)


@field("LineItem", "product")
def product_of(line: Object, _: Object, shop: Shop) -> Object | None:
    return shop.product(line.get("productId"))


@field("LineItem", "variant")
def variant_of(line: Object, _: Object, shop: Shop) -> Object | None:
    product = shop.product(line.get("productId"))
    for variant in (product or {}).get("variants") or ():
        if variant["id"] == line.get("variantId"):
            return {**variant, "product": product}
    return None


@field("LineItem", "originalUnitPriceSet")
def unit_price(line: Object, _: Object, __: Shop) -> Object:
    return _bag(Decimal(line["unitPrice"]), line["order"]["currencyCode"])


@field("LineItem", "discountedUnitPriceSet")
def discounted_unit_price(line: Object, _: Object, __: Shop) -> Object:
    each = _line_total(line) / line["quantity"] if line["quantity"] else Decimal("0.00")
    return _bag(round(each, 4), line["order"]["currencyCode"])


@field("LineItem", "originalTotalSet")
def original_total(line: Object, _: Object, __: Shop) -> Object:
    return _bag(line["quantity"] * Decimal(line["unitPrice"]), line["order"]["currencyCode"])


@field("LineItem", "discountedTotalSet")
def discounted_total(line: Object, _: Object, __: Shop) -> Object:
    return _bag(_line_total(line), line["order"]["currencyCode"])


@field("LineItem", "totalDiscountSet")
def total_discount(line: Object, _: Object, __: Shop) -> Object:
    return _bag(Decimal(line.get("discount") or "0.00"), line["order"]["currencyCode"])


@field("Refund", "totalRefundedSet")
def refunded(refund: Object, _: Object, __: Shop) -> Object:
    return _bag(Decimal(refund["amount"]), refund["order"]["currencyCode"])


def _refund_lines(refund: Object, _: Object, __: Shop) -> list[Object]:
    order = refund["order"]
    lines = {line["id"]: {**line, "order": order} for line in order["lineItems"]}
    return [{**part, "lineItem": lines[part["lineItemId"]]} for part in refund.get("lines") or ()]


@field("RefundLineItem", "subtotalSet")
def refund_subtotal(part: Object, _: Object, __: Shop) -> Object:
    return _bag(Decimal(part["amount"]), part["lineItem"]["order"]["currencyCode"])


@field("RefundLineItem", "priceSet")
def refund_price(part: Object, _: Object, __: Shop) -> Object:
    return _bag(Decimal(part["lineItem"]["unitPrice"]), part["lineItem"]["order"]["currencyCode"])


# -- products ---------------------------------------------------------------------------------------------------------
def _variants(product: Object, _: Object, __: Shop) -> list[Object]:
    return [{**variant, "product": product} for variant in product.get("variants") or ()]


# -- abandoned checkouts ----------------------------------------------------------------------------------------------
FIELDS["AbandonedCheckout", "customer"] = customer_of
FIELDS["AbandonedCheckout", "totalPriceSet"] = total_price
for _name in ("product", "variant", "originalUnitPriceSet"):
    FIELDS["AbandonedCheckoutLineItem", _name] = FIELDS["LineItem", _name]


# -- connections ------------------------------------------------------------------------------------------------------
def _held(type_name: str, name: str, items: Callable[[Object, Object, Shop], list[Object]]) -> None:
    """A connection to what the object holds within itself."""
    CHILDREN[type_name, name] = items
    FIELDS[type_name, name] = lambda item, args, shop: sliced(items(item, args, shop), args)


_held("Order", "lineItems", _lines)
_held("AbandonedCheckout", "lineItems", _lines)
_held("Refund", "refundLineItems", _refund_lines)
_held("Product", "variants", _variants)
_held("Customer", "metafields", _metafields)


def _stored(type_name: str, name: str, kind: str, parent: Callable[[Object], str]) -> None:
    """A connection to objects of their own."""

    def page(item: Object, args: Object, shop: Shop) -> Object:
        first, sort = checked_first(args), args.get("sortKey") or "ID"
        after = opened(args["after"]) if args.get("after") else None
        rows = found(
            shop.store,
            shop.search(name, kind, args.get("query")),
            limit=first + 1,
            after=after,
            sort=sort,
            reverse=bool(args.get("reverse")),
            parent=parent(item),
        )
        edges = ((cursor(row.id, sort_value(row, sort)), row.body) for row in rows[:first])
        return connection(edges, more=len(rows) > first, before=after is not None)

    FIELDS[type_name, name] = page
    CHILDREN[type_name, name] = lambda item, args, shop: every(
        shop.store, shop.search(name, kind, args.get("query")), parent(item)
    )


_stored("QueryRoot", "customers", CUSTOMER, lambda _: "")
_stored("QueryRoot", "orders", ORDER, lambda _: "")
_stored("QueryRoot", "abandonedCheckouts", CHECKOUT, lambda _: "")
_stored("QueryRoot", "products", PRODUCT, lambda _: "")
_stored("Customer", "orders", ORDER, lambda customer: customer["id"])


# -- the root ---------------------------------------------------------------------------------------------------------
def _counted(name: str, kind: str) -> None:
    def count(_: Object, args: Object, shop: Shop) -> Object:
        number, most = shop.search(name, kind, args.get("query")).count(shop.store), args.get("limit")
        capped = most is not None and number > most
        return {"count": most if capped else number, "precision": "AT_LEAST" if capped else "EXACT"}

    FIELDS["QueryRoot", name] = count


for _name, _kind in (("customersCount", CUSTOMER), ("ordersCount", ORDER), ("productsCount", PRODUCT)):
    _counted(_name, _kind)


def _single(name: str, type_name: str) -> None:
    FIELDS["QueryRoot", name] = lambda _, args, shop: shop.load(type_name, bare(args["id"], type_name))


for _name, _type in (("customer", "Customer"), ("order", "Order"), ("product", "Product")):
    _single(_name, _type)


@field("QueryRoot", "shop")
def shop_itself(_: Object, __: Object, shop: Shop) -> Object:
    orders = shop.store.page(ORDER, limit=1)
    return {"id": "1", "name": "Sandbox shop", "currencyCode": orders[0].body["currencyCode"] if orders else "EUR"}
