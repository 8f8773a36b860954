"""What an account is asked: things that change nothing there, each with an answer in words."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from mailhouse.clock import Clock
from mailhouse.errors import MalformedAnswer, NotAllowed
from mailhouse.http import Answer
from mailhouse.settings import Connection

LOOK = "look at what the credentials allow"


@dataclass(frozen=True)
class Question:
    """One thing asked. `ask` says what is well; what is not it raises as a MailhouseError that ends with the next step."""

    subject: str
    ask: Callable[[], Awaitable[str]]


class Account(Protocol):
    """How the account of a vendor is opened for questions; opening it may raise any MailhouseError."""

    def __call__(self, connection: Connection, clock: Clock) -> AbstractAsyncContextManager[Sequence[Question]]: ...


class Reader(Protocol):
    """A client that reads."""

    async def read(self, path: str, template: str, params: Mapping[str, str | int] | None = None) -> Answer: ...

    def detail(self, answer: Answer) -> str: ...


@dataclass(frozen=True)
class Read:
    """A GET that changes nothing. `scope` is what the vendor calls the permission for it, '' where it has no name."""

    subject: str
    path: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    scope: str = ""


def read(client: Reader, one: Read) -> Question:
    """The question whether this read is answered; a refusal names the scope that it wants."""

    async def ask() -> str:
        try:
            answer = await client.read(one.path, one.path, one.params)
        except NotAllowed as refused:
            cure = f"give the credentials the scope {one.scope}" if one.scope else LOOK
            raise NotAllowed(f"{refused}; {cure}") from refused
        says = f"GET {one.path} answers {answer.status}"
        if answer.status != 200:
            raise MalformedAnswer(f"{says}: {client.detail(answer)}; {LOOK}")
        return says

    return Question(one.subject, ask)
