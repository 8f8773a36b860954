"""Puts its vendor's questions to one account, one after the other."""

import asyncio
from collections.abc import Callable, Iterator, Mapping

from mailhouse.clock import Clock
from mailhouse.errors import MailhouseError
from mailhouse.live import hubspot, klaviyo, mailchimp, salesforce, sendgrid, shopify
from mailhouse.live.question import Account, Question
from mailhouse.report import Finding
from mailhouse.settings import Connection

ACCOUNTS: Mapping[str, Account] = {
    "hubspot": hubspot.questions,
    "klaviyo": klaviyo.questions,
    "mailchimp": mailchimp.questions,
    "salesforce": salesforce.questions,
    "sendgrid": sendgrid.questions,
    "shopify": shopify.questions,
}


def examine_live(connection: Connection, probe: Callable[[Connection], object], clock: Clock) -> Iterator[Finding]:
    """One finding for the round trip, one for the scopes where the vendor tells them, one for each kind of question.

    A round trip that fails is the only finding. A connection whose vendor is no account has no other either.
    """
    try:
        probe(connection)
    except MailhouseError as error:
        yield Finding("round trip", False, str(error))
        return
    yield Finding("round trip", True, f"{connection.vendor} answers at {connection.url} and accepts the credentials")
    if account := ACCOUNTS.get(connection.vendor):
        yield from asyncio.run(_asked(account, connection, clock))


async def _asked(account: Account, connection: Connection, clock: Clock) -> list[Finding]:
    try:
        async with account(connection, clock) as questions:
            return [await _answered(one) for one in questions]
    except MailhouseError as error:
        return [Finding("account", False, str(error))]


async def _answered(question: Question) -> Finding:
    try:
        return Finding(question.subject, True, await question.ask())
    except MailhouseError as error:
        return Finding(question.subject, False, str(error))
