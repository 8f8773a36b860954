"""Deleting a person at every vendor, with a receipt from each; one that cannot does not keep the others from it."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from mailhouse.clock import Clock
from mailhouse.errors import MailhouseError
from mailhouse.http import OutcomeUnknown
from mailhouse.privacy.closure import Closure
from mailhouse.privacy.vendors import hubspot, klaviyo, mailchimp, salesforce, sendgrid, shopify
from mailhouse.privacy.vendors.base import Eraser, Person, VendorReceipt
from mailhouse.settings import Connection

__all__ = ["Eraser", "Person", "VendorReceipt", "erase_at"]

Connect = Callable[[Connection, Clock], AbstractAsyncContextManager[Eraser]]
_CONNECT: dict[str, Connect] = {
    "hubspot": hubspot.connect,
    "klaviyo": klaviyo.connect,
    "mailchimp": mailchimp.connect,
    "salesforce": salesforce.connect,
    "sendgrid": sendgrid.connect,
    "shopify": shopify.connect,
}


def erase_at(connection: Connection, closure: Closure, clock: Clock) -> VendorReceipt:
    """Have one vendor delete the person; whatever goes wrong is in the receipt, as words that name nobody."""
    connect = _CONNECT.get(connection.vendor)
    if connect is None:
        says = f"{connection.vendor} offers no deletion that Mailhouse knows; delete the person there by hand"
        return VendorReceipt(connection.id, "unsupported", 0, says)
    kinds = {kind for of, kind, _ in closure.records if of == connection.id}
    records = {kind: tuple(closure.records_of(connection.id, kind)) for kind in kinds}
    person = Person(tuple(sorted(closure.mailboxes | closure.spellings)), records)

    async def ask() -> VendorReceipt:
        async with connect(connection, clock) as eraser:
            return await eraser.erase(person)

    try:
        return asyncio.run(ask())
    except (MailhouseError, OutcomeUnknown) as error:
        return VendorReceipt(connection.id, "failed", 0, str(error))
