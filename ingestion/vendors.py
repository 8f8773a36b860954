"""The vendors we can read: for each how its source is made and how records it no longer has are found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dlt.extract import DltSource

from ingestion import database, files, hubspot, klaviyo, mailchimp, salesforce, segment, sendgrid, shopify
from ingestion.fields import Fields
from ingestion.klaviyo.account import Account as KlaviyoAccount
from ingestion.klaviyo.removed import removed as removed_from_klaviyo
from ingestion.known import REMOVED, Known
from ingestion.mailchimp.account import Account
from ingestion.mailchimp.removed import removed as removed_from_account
from ingestion.own_tables.mapping import entries_of
from ingestion.own_tables.removed import removed as removed_from_tables
from ingestion.own_tables.shapes import TABLES as OWN_TABLES
from ingestion.salesforce.org import Org
from ingestion.salesforce.removed import removed as removed_from_org
from ingestion.salesforce.settings import RESOURCES as SALESFORCE
from ingestion.sendgrid import settings as sendgrid_settings
from ingestion.sendgrid.account import Account as SendGridAccount
from ingestion.sendgrid.removed import removed as removed_from_sendgrid
from ingestion.shopify.graphql import Shop
from ingestion.shopify.orders import TABLES as ORDER_TABLES
from ingestion.shopify.queries import count
from ingestion.shopify.removed import removed as removed_from_shop
from ingestion.shopify.settings import CHECKOUTS, PRODUCTS
from ingestion.source import Landing
from ingestion.storage import Storage
from mailhouse.clock import Clock
from mailhouse.settings import Connection, Settings

Removed = list[dict[str, Any]]


@dataclass(frozen=True)
class Vendor:
    """One vendor: how it is read, what it lands, one small question to it, and (as rows of `removed`) what it has no more."""

    source: Callable[[Landing, Settings], DltSource]
    tables: Callable[[Settings], list[Fields]]
    probe: Callable[[Connection, Clock], object]
    gone: Callable[[Landing, Settings, Known], Removed] | None = None


def _custom(settings: Settings, name: str) -> dict[str, str]:
    return dict(settings.custom_properties.get(name) or {})


def _hubspot(landing: Landing, settings: Settings) -> DltSource:
    client = hubspot.client(landing.connection, landing.clock)
    return hubspot.hubspot(landing, client, _custom(settings, "hubspot_contacts"))


def _shopify(landing: Landing, settings: Settings) -> DltSource:
    return shopify.shopify(landing, Shop(landing.connection, landing.clock), _custom(settings, "shopify_customers"))


def _gone_from_shop(landing: Landing, settings: Settings, known: Known) -> Removed:
    return removed_from_shop(landing, Shop(landing.connection, landing.clock), known)


def _mailchimp(landing: Landing, settings: Settings) -> DltSource:
    return mailchimp.mailchimp(landing, Account(landing.connection, landing.clock))


def _gone_from_account(landing: Landing, settings: Settings, known: Known) -> Removed:
    return removed_from_account(landing, Account(landing.connection, landing.clock), known)


def _klaviyo(landing: Landing, settings: Settings) -> DltSource:
    account = KlaviyoAccount(landing.connection, landing.clock)
    return klaviyo.klaviyo(landing, account, _custom(settings, "klaviyo_profiles"))


def _gone_from_klaviyo(landing: Landing, settings: Settings, known: Known) -> Removed:
    return removed_from_klaviyo(landing, KlaviyoAccount(landing.connection, landing.clock), known)


def _sendgrid(landing: Landing, settings: Settings) -> DltSource:
    account = SendGridAccount(landing.connection, landing.clock)
    return sendgrid.sendgrid(landing, account, _custom(settings, "sendgrid_contacts"))


def _gone_from_sendgrid(landing: Landing, settings: Settings, known: Known) -> Removed:
    return removed_from_sendgrid(landing, SendGridAccount(landing.connection, landing.clock), known)


def _salesforce_custom(settings: Settings) -> dict[str, dict[str, str]]:
    return {one.table: _custom(settings, f"salesforce_{one.table}") for one in SALESFORCE}


def _salesforce(landing: Landing, settings: Settings) -> DltSource:
    return salesforce.salesforce(landing, Org(landing.connection, landing.clock), _salesforce_custom(settings))


def _gone_from_org(landing: Landing, settings: Settings, known: Known) -> Removed:
    return removed_from_org(landing, Org(landing.connection, landing.clock), known)


VENDORS: dict[str, Vendor] = {
    "hubspot": Vendor(
        source=_hubspot,
        tables=lambda settings: hubspot.tables(_custom(settings, "hubspot_contacts")),
        probe=hubspot.probe,
    ),
    "shopify": Vendor(
        source=_shopify,
        tables=lambda settings: [
            shopify.customer_fields(_custom(settings, "shopify_customers")),
            PRODUCTS,
            *ORDER_TABLES,
            CHECKOUTS,
            REMOVED,
        ],
        probe=lambda connection, clock: Shop(connection, clock).ask(count("customers")),
        gone=_gone_from_shop,
    ),
    "mailchimp": Vendor(
        source=_mailchimp,
        tables=lambda _: mailchimp.TABLES,
        probe=lambda connection, clock: Account(connection, clock).total("/lists"),
        gone=_gone_from_account,
    ),
    "klaviyo": Vendor(
        source=_klaviyo,
        tables=lambda settings: klaviyo.tables(_custom(settings, "klaviyo_profiles")),
        probe=lambda connection, clock: KlaviyoAccount(connection, clock).ask_for_one_list(),
        gone=_gone_from_klaviyo,
    ),
    "sendgrid": Vendor(
        source=_sendgrid,
        tables=lambda settings: [*sendgrid_settings.tables(_custom(settings, "sendgrid_contacts")), REMOVED],
        probe=lambda connection, clock: SendGridAccount(connection, clock).count(),
        gone=_gone_from_sendgrid,
    ),
    "salesforce": Vendor(
        source=_salesforce,
        tables=lambda settings: salesforce.tables(_salesforce_custom(settings)),
        probe=lambda connection, clock: Org(connection, clock).one("SELECT Id FROM Contact LIMIT 1"),
        gone=_gone_from_org,
    ),
    "segment": Vendor(
        source=lambda landing, _: segment.segment(landing, Storage(landing.connection)),
        tables=lambda _: segment.TABLES,
        probe=lambda connection, _: segment.probe(connection),
    ),
    "database": Vendor(
        source=lambda landing, settings: database.database(landing, entries_of(settings, landing.connection.id)),
        tables=lambda _: OWN_TABLES,
        probe=lambda connection, _: database.probe(connection),
        gone=lambda landing, _, known: removed_from_tables(landing, known),
    ),
    "files": Vendor(
        source=lambda landing, settings: files.files(
            landing, Storage(landing.connection), entries_of(settings, landing.connection.id)
        ),
        tables=lambda _: OWN_TABLES,
        probe=lambda connection, _: files.probe(connection),
        gone=lambda landing, _, known: removed_from_tables(landing, known),
    ),
}
