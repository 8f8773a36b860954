"""What the shop sells."""

from dataclasses import dataclass
from random import Random

from mailhouse.sandbox.company.calendar import between, iso
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.store import Row

VENDOR = "Brook & Hearth"
MATERIALS = ("Oak", "Linen", "Copper", "Wool", "Stoneware", "Bamboo", "Glass", "Brass", "Felt", "Cotton", "Walnut", "Enamel")
TYPES = {
    "Kitchen": (("Mug", 1400), ("Bowl", 2200), ("Chopping board", 3900), ("Kettle", 6900), ("Tray", 3400)),
    "Lighting": (("Table lamp", 8900), ("Candle holder", 2400), ("Lantern", 4900), ("Shade", 3900)),
    "Textiles": (("Throw", 7900), ("Cushion", 3400), ("Tea towel", 1200), ("Rug", 12900)),
    "Stationery": (("Notebook", 1100), ("Pen tray", 2600), ("Desk mat", 3900)),
    "Garden": (("Planter", 3200), ("Watering can", 4200), ("Bird house", 2900)),
    "Bath": (("Soap dish", 1500), ("Bath mat", 3600), ("Brush", 1300)),
    "Gifts": (("Gift box", 4900), ("Candle", 1900), ("Ornament", 900), ("Card set", 800)),
    "Furniture": (("Stool", 11900), ("Side table", 18900), ("Shelf", 9900)),
}


@dataclass(frozen=True, slots=True)
class Product:
    """One product with its only variant; `price` in cents."""

    product_id: str
    variant_id: str
    sku: str
    title: str
    kind: str
    price: int


def catalogue(company: Company) -> list[Product]:
    """The range, some four pieces of each kind."""
    rng = company.stream("catalogue")
    products = []
    for kind, things in TYPES.items():
        for thing, base in things:
            for material in rng.sample(MATERIALS, 4):
                price = max(300, round(base * rng.lognormvariate(0, 0.22) / 50) * 50 - rng.choice((0, 1, 5)))
                sku = f"{kind[:3].upper()}-{thing[:3].upper()}-{len(products) + 101}"
                ids = company.next_id("shopify.product"), company.next_id("shopify.variant")
                products.append(Product(*ids, sku, f"{material} {thing.lower()}", kind, price))
    return products


def rows(company: Company, rng: Random, products: list[Product]) -> list[Row]:
    """As Shopify keeps them."""
    calendar = company.calendar
    found = []
    for product in products:
        made = between(rng, calendar.first - (calendar.now - calendar.first) * 0.1, calendar.first)
        changed = between(rng, made, calendar.now)
        variants = [{"id": product.variant_id, "sku": product.sku, "title": "Default Title", "price": money(product.price)}]
        body = {
            "id": product.product_id,
            "title": product.title,
            "productType": product.kind,
            "vendor": VENDOR,
            "status": "ARCHIVED" if rng.random() < 0.04 else "ACTIVE",
            "createdAt": iso(made),
            "updatedAt": iso(changed),
            "variants": variants,
        }
        found.append(Row(product.product_id, body, iso(changed), iso(made)))
    return found


def money(cents: int) -> str:
    """Cents as the vendors write amounts."""
    return f"{cents // 100}.{cents % 100:02d}"
