"""The kinds of table that can be brought along, each with the one shape it lands in."""

from ingestion.fields import Field, Fields, fields
from ingestion.known import REMOVED
from ingestion.quarantine import QUARANTINE

# `id` is the entry of tables.yml and the table's own key, so that two tables may count alike; `origin` is the entry alone
SHAPES = {
    "contacts": Fields(
        table="contacts",
        key=("id",),
        fields=fields(
            id="text",
            origin="text",
            email="text",
            phone="text",
            first_name="text",
            last_name="text",
            company="text",
            city="text",
            zip="text",
            country="text",
            language="text",
            created_at="timestamp",
            updated_at="timestamp",
        ),
        latest="updated_at",
        asked_by_name=True,
    ),
    "orders": Fields(
        table="orders",
        key=("id",),
        fields=fields(
            id="text",
            origin="text",
            name="text",
            contact_id="text",
            email="text",
            currency="text",
            country="text",
            channel="text",
            status="text",
            gross_amount="decimal",
            discount_amount="decimal",
            refunded_amount="decimal",
            is_cancelled="boolean",
            is_test="boolean",
            ordered_at="timestamp",
            updated_at="timestamp",
        ),
        latest="updated_at",
        asked_by_name=True,
    ),
    "order_lines": Fields(
        table="order_lines",
        key=("id",),
        fields=fields(
            id="text",
            origin="text",
            order_id="text",
            product_id="text",
            sku="text",
            title="text",
            currency="text",
            position="integer",
            quantity="integer",
            unit_price="decimal",
            discount_amount="decimal",
        ),
        asked_by_name=True,
    ),
    "events": Fields(
        table="events",
        key=("id",),
        fields=fields(
            id="text",
            origin="text",
            type="text",
            name="text",
            contact_id="text",
            visitor_id="text",
            # of an event that names no contact: what it belongs to when somebody is erased
            unnamed_id="text",
            page_url="text",
            page_path="text",
            properties="json",
            occurred_at="timestamp",
        ),
        latest="occurred_at",
        asked_by_name=True,
    ),
    "consent_acts": Fields(
        table="consent_acts",
        key=("id",),
        fields=fields(
            id="text",
            origin="text",
            contact_id="text",
            email="text",
            act="text",
            purpose="text",
            evidence="text",
            occurred_at="timestamp",
        ),
        latest="occurred_at",
        asked_by_name=True,
    ),
    "enrichment": Fields(
        table="enrichment",
        key=("id",),
        fields=fields(
            id="text", origin="text", contact_id="text", email="text", name="text", value="text", updated_at="timestamp"
        ),
        latest="updated_at",
        asked_by_name=True,
    ),
}
TABLES = [*SHAPES.values(), REMOVED, QUARANTINE]

# made here and never mapped
OURS = {"id", "origin", "unnamed_id", "name:enrichment", "value:enrichment"}
NEEDED = {
    "contacts": (),
    "orders": ("ordered_at", "gross_amount", "currency"),
    "order_lines": ("order_id", "quantity", "unit_price"),
    "events": ("name", "occurred_at"),
    "consent_acts": ("act", "purpose"),
    "enrichment": (),
}
# one of these must be said, or the rows are nobody's
ONE_OF = {
    "contacts": ("email", "phone"),
    "orders": ("contact_id", "email"),
    "events": ("contact_id", "visitor_id"),
    "consent_acts": ("contact_id", "email"),
    "enrichment": ("contact_id", "email"),
}
# whose number a column holds: the kind of table that it points to
POINTS_TO = {"contact_id": "contacts", "order_id": "orders"}


def mappable(kind: str) -> dict[str, Field]:
    """The columns of a kind that tables.yml may fill, by name."""
    return {one.name: one for one in SHAPES[kind].fields if one.name not in OURS and f"{one.name}:{kind}" not in OURS}
