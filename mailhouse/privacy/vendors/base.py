"""What is asked of a vendor about a person who is to be forgotten, and what it answers."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from mailhouse.http import HttpClient, pause

# accepted: the vendor has taken it and does it in its own time
Status = Literal["deleted", "accepted", "not_there", "unsupported", "failed"]
# how often a vendor is asked whether a deletion is done that it does in its own time, and seconds before the second look
LOOKS = 6
FIRST_PAUSE = 0.5
SETTLED: tuple[Status, ...] = ("deleted", "accepted", "not_there", "unsupported")


@dataclass(frozen=True)
class Person:
    """Addresses in lower case, and the vendor's own ids by kind of record."""

    addresses: tuple[str, ...] = field(repr=False)
    records: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def ids(self, kind: str) -> tuple[str, ...]:
        return self.records.get(kind, ())


@dataclass(frozen=True)
class VendorReceipt:
    """What one connection answered: how many records it was about, and a sentence that names nobody."""

    connection_id: str
    status: Status
    records: int
    says: str

    @classmethod
    def of_deleted(cls, connection_id: str, records: int, says: str) -> "VendorReceipt":
        """The receipt of a person of whom nothing is left."""
        return cls(connection_id, "deleted" if records else "not_there", records, says)

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be asked of this vendor."""
        return self.status in SETTLED


class Eraser(Protocol):
    """One account of one vendor."""

    async def erase(self, person: Person) -> VendorReceipt:
        """Have the person deleted, and read back that they are. Asked again it finds it done.

        Raises VendorUnreachable, CredentialsRejected, MalformedAnswer, OutcomeUnknown.
        """


async def until_gone(
    client: HttpClient, there: Collection[str], still: Callable[[Collection[str]], Awaitable[Collection[str]]]
) -> Collection[str]:
    """What of `there` is left after a deletion that the vendor does in its own time; `still` says which of some are."""
    left, wait = there, FIRST_PAUSE
    for _ in range(LOOKS):
        left = await still(left)
        if not left:
            break
        await pause(client.clock, wait)
        wait *= 2
    return left
