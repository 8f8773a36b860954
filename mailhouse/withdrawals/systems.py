"""The systems that can be told of a withdrawal, by vendor."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from mailhouse.clock import Clock
from mailhouse.settings import Connection, Settings
from mailhouse.withdrawals import hubspot, klaviyo, mailchimp, salesforce, sendgrid, shopify
from mailhouse.withdrawals.base import Writer

Connect = Callable[[Connection, Clock], AbstractAsyncContextManager[Writer]]
_CONNECT: dict[str, Connect] = {
    "hubspot": hubspot.connect,
    "klaviyo": klaviyo.connect,
    "mailchimp": mailchimp.connect,
    "salesforce": salesforce.connect,
    "sendgrid": sendgrid.connect,
    "shopify": shopify.connect,
}


def systems_of(settings: Settings) -> dict[str, Connection]:
    """The connections that can mail somebody, by id; those that are switched off are not among them."""
    return {name: one for name, one in settings.connections.items() if one.vendor in _CONNECT}


def connect(connection: Connection, clock: Clock) -> AbstractAsyncContextManager[Writer]:
    """The writer of one connection, open for the length of an `async with`."""
    return _CONNECT[connection.vendor](connection, clock)
