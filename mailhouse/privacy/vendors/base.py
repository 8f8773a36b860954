"""What is asked of a vendor about a person who is to be forgotten, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

# accepted: the vendor has taken it and does it in its own time
Status = Literal["deleted", "accepted", "not_there", "unsupported", "failed"]
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
