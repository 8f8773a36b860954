"""What really happened at the modelled ESPs: the log that the engine's claims are held against."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Author = Literal["ours", "marketer", "vendor"]
Kind = Literal["create", "change", "add", "remove", "resubscribe"]
Place = tuple[str, str, str]  # destination, container, membership
Document = tuple[str, str, str]  # destination, container, key


@dataclass(frozen=True, slots=True)
class Effect:
    """One change of an ESP's state: made by a call that began at `began`, in force from `at` on. Times are UTC.

    `create` and `change` are of a record (`membership` is then ''), `add` and `remove` of a membership. A call that changes
    nothing has no effect. `resubscribe` is a record that refused and was made mailable again.
    """

    kind: Kind
    author: Author
    destination: str
    container: str
    membership: str
    key: str
    began: datetime
    at: datetime

    @property
    def place(self) -> Place:
        return self.destination, self.container, self.membership

    @property
    def document(self) -> Document:
        return self.destination, self.container, self.key
