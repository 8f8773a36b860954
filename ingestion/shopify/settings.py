"""Shopify's constants: addresses, page sizes, limits, and the fields of each table."""

from ingestion.fields import Fields, fields
from ingestion.pace import Rate

API_VERSION = "2026-10"  # a connection may name another under `settings: {api_version: …}`
GRAPHQL = "/admin/api/{version}/graphql.json"
ACCESS_TOKEN = "/admin/oauth/access_token"
RATE = Rate(calls=40, seconds=1)  # the cost bucket is what limits us; this only keeps us from hammering
LAG_SECONDS = 300  # the search index lags behind the records; not published, kept generous
CUSTOMERS_PAGE = 100
PRODUCTS_PAGE = 50
VARIANTS_PAGE = 10
ORDERS_PAGE = 20
CHECKOUTS_PAGE = 20
LINES_PAGE = 10  # nested, paid for every order of a page whether it has them or not; longer orders are drained
REFUND_LINES_PAGE, LONG_REFUND_LINES_PAGE = 2, 40  # for several orders at once, for one with a longer refund
DRAIN_PAGE = 250
IDS_PAGE = 250
REFUNDED_PAGE = 10  # orders whose refunds are read at once

CUSTOMERS = Fields(
    table="customers",
    key=("id",),
    fields=fields(
        id="text",
        first_name="text firstName",
        last_name="text lastName",
        email="text",
        phone="text",
        state="text",
        locale="text",
        tags="json",
        created_at="timestamp createdAt",
        updated_at="timestamp updatedAt",
        address_line="text defaultAddress.address1",
        city="text defaultAddress.city",
        zip="text defaultAddress.zip",
        country_code="text defaultAddress.countryCodeV2",
        email_marketing_state="text emailMarketingConsent.marketingState",
        email_marketing_opt_in_level="text emailMarketingConsent.marketingOptInLevel",
        email_marketing_consent_updated_at="timestamp emailMarketingConsent.consentUpdatedAt",
    ),
    latest="updated_at",
    asked_by_name=True,
)
ORDERS = Fields(
    table="orders",
    key=("id",),
    fields=fields(
        id="text",
        name="text",
        customer_id="text",
        email="text",
        created_at="timestamp createdAt",
        processed_at="timestamp processedAt",
        updated_at="timestamp updatedAt",
        cancelled_at="timestamp cancelledAt",
        financial_status="text displayFinancialStatus",
        currency="text currencyCode",
        total_amount="decimal totalPriceSet.shopMoney.amount",
        total_refunded_amount="decimal totalRefundedSet.shopMoney.amount",
        country_code="text shippingAddress.countryCodeV2",
        source_name="text sourceName",
        test="boolean",
    ),
    latest="updated_at",
    asked_by_name=True,
)
ORDER_LINES = Fields(
    table="order_lines",
    key=("id",),
    fields=fields(
        id="text",
        order_id="text",
        position="integer",
        product_id="text",
        variant_id="text",
        sku="text",
        title="text",
        quantity="integer",
        unit_price="decimal originalUnitPriceSet.shopMoney.amount",
        discount_amount="decimal totalDiscountSet.shopMoney.amount",
        currency="text originalUnitPriceSet.shopMoney.currencyCode",
    ),
    asked_by_name=True,
)
REFUNDS = Fields(
    table="refunds",
    key=("id",),
    fields=fields(
        id="text",
        order_id="text",
        created_at="timestamp createdAt",
        amount="decimal totalRefundedSet.shopMoney.amount",
        currency="text totalRefundedSet.shopMoney.currencyCode",
        lines="json",
    ),
    asked_by_name=True,
)
PRODUCTS = Fields(
    table="products",
    key=("id",),
    fields=fields(
        id="text",
        title="text",
        product_type="text productType",
        vendor="text",
        status="text",
        created_at="timestamp createdAt",
        updated_at="timestamp updatedAt",
        variants="json",
    ),
    latest="updated_at",
    asked_by_name=True,
)
CHECKOUTS = Fields(
    table="abandoned_checkouts",
    key=("id",),
    fields=fields(
        id="text",
        name="text",
        customer_id="text",
        recovery_url="text abandonedCheckoutUrl",
        created_at="timestamp createdAt",
        updated_at="timestamp updatedAt",
        completed_at="timestamp completedAt",
        total_amount="decimal totalPriceSet.shopMoney.amount",
        currency="text totalPriceSet.shopMoney.currencyCode",
        lines="json",
    ),
    latest="updated_at",
    asked_by_name=True,
)
