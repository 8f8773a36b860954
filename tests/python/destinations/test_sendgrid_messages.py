"""Single messages: a thousand in a call, each key once, and never a second time when nobody knows."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from mailhouse.destinations.sendgrid.messages import Message, Messages, Sent
from mailhouse.destinations.sendgrid.reading import client_of
from mailhouse.errors import ConfigurationError
from mailhouse.sandbox.sendgrid_mail import MESSAGE, TEMPLATE, template_row
from tests.python.destinations.conftest import NOW
from tests.python.destinations.sendgrid_vendor import SendGridVendor

DYNAMIC = "d-0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def sendgrid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SendGridVendor]:
    made = SendGridVendor(tmp_path_factory.mktemp("messages") / "sandbox")
    yield made
    made.close()


@pytest.fixture
def account(sendgrid: SendGridVendor) -> SendGridVendor:
    sendgrid.empty()
    sendgrid.store.put(TEMPLATE, template_row(DYNAMIC, "Back in stock", NOW.isoformat()))
    return sendgrid


def send(account: SendGridVendor, messages: Sequence[Message]) -> list[Sent]:
    async def run() -> list[Sent]:
        async with client_of(account.connection(), account.clock) as client:
            return await Messages(client, DYNAMIC, "shop@example.org").send(messages)

    return asyncio.run(run())


def mails(count: int) -> list[Message]:
    return [Message(f"e{number}", f"P{number}@example.test", {"what": "bowls"}) for number in range(count)]


def test_a_thousand_messages_are_one_call_and_each_carries_its_key(account):
    sent = send(account, mails(1_200))
    assert {one.status for one in sent} == {"accepted"}
    assert account.writes() == {"POST /v3/mail/send": 2}
    rows = account.store.page(MESSAGE, limit=2_000)
    assert {row.body["custom_args"]["mailhouse_key"] for row in rows} == {f"e{number}" for number in range(1_200)}
    assert (rows[0].body["data"], rows[0].email.islower()) == ({"what": "bowls"}, True)


def test_a_key_that_stands_twice_is_sent_once(account):
    assert [one.key for one in send(account, [*mails(2), *mails(1)])] == ["e0", "e1"]
    assert account.store.count(MESSAGE) == 2


@pytest.mark.parametrize("fault", ["timeout_after_apply", "timeout_before", "reset", "500"])
def test_what_has_no_answer_is_not_sent_again(account, fault):
    account.faults({"do": fault})
    assert {one.status for one in send(account, mails(3))} == {"unknown"}
    assert account.writes() == {"POST /v3/mail/send": 1}


def test_a_throttled_call_was_not_taken_and_goes_out_later(account):
    account.faults({"do": "429", "times": 2})
    assert {one.status for one in send(account, mails(3))} == {"accepted"}
    assert account.store.count(MESSAGE) == 3


def test_one_bad_address_does_not_keep_the_others(account):
    account.faults({"do": "400", "rows": ["p2@example.test"], "times": None})
    sent = {one.key: one.status for one in send(account, mails(4))}
    assert sent == {"e0": "accepted", "e1": "accepted", "e2": "rejected", "e3": "accepted"}
    assert account.store.count(MESSAGE) == 3


def test_only_a_dynamic_template_will_do(account):
    async def run() -> None:
        async with client_of(account.connection(), account.clock) as client:
            Messages(client, "0123", "shop@example.org")

    with pytest.raises(ConfigurationError, match="no dynamic template"):
        asyncio.run(run())
