"""What is told to a system of a person who said no, and what a system's writer must be able to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from mailhouse.errors import MailhouseError

# codes of an acknowledgement, beside '': what there was to tell had no effect, and why not
UNKNOWN_THERE, ALREADY_SET = "unknown_there", "already_set"
READ_BACK = "read_back"


class BatchRefused(MailhouseError):
    """A system refused a batch as a whole: one address of it may be why, so it is halved until that one is found."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One refusal that one system is owed, under the address as that system spells it.

    `container` is the Mailchimp list, '' elsewhere. `record_id` and `record_updated_at` are of the landed record that can
    still be mailed; an address that has not landed from that system is not `is_known`. `refused_at` is when the person said
    so (aware, UTC), None when nobody knows.
    """

    connection_id: str
    mailbox: str = field(repr=False)
    address: str = field(repr=False)
    event_id: str
    refused_at: datetime | None = None
    container: str = ""
    record_id: str = ""
    record_updated_at: datetime | None = None
    is_known: bool = True

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells two of them apart, and a row of the journal from the others."""
        return self.connection_id, self.container, self.address, self.event_id


@dataclass(frozen=True, slots=True)
class Told:
    """What a system said to one withdrawal. `unknown`: nobody knows whether it was taken, so it stays owed."""

    withdrawal: Withdrawal
    status: Literal["accepted", "rejected", "unknown"]
    code: str = ""
    reason: str = ""


class Writer(Protocol):
    """One account of one vendor: its words for «never write to this address again», and no word for the opposite.

    `batch` addresses go into a call, `lanes` calls out side by side. `is_dated` says whether the system dates its refusals.
    """

    batch: int
    lanes: int
    is_dated: bool

    async def look(self, unseen: Sequence[Withdrawal]) -> tuple[list[Withdrawal], list[Told]]:
        """Of addresses that have not landed from here: those to be told, one for each record, and those that need no telling."""

    async def tell(self, batch: Sequence[Withdrawal]) -> list[Told]:
        """Tell one batch of one container; each gets one answer.

        Raises OutcomeUnknown when it may or may not have been taken, BatchRefused, VendorUnreachable, CredentialsRejected.
        """

    async def read_back(self, batch: Sequence[Withdrawal]) -> list[Told]:
        """Whether the system now shows each of them as refused; `unknown` for whom it does not."""

    async def refused_since(self, addresses: Sequence[str]) -> Mapping[str, datetime]:
        """Since when an address has refused all mail here, for systems whose records do not say; without those that have not."""

    def counts(self) -> Mapping[str, int]:
        """Calls made so far by `METHOD path-template status`."""
