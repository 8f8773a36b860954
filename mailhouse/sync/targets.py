"""Where people go: the audiences and profile models that the project's `meta` declares, as the sync uses them."""

from collections.abc import Mapping
from dataclasses import dataclass

from mailhouse.sync.identifiers import Relation

# a change that is larger than this share of an audience is a bug, not a campaign, unless somebody says that it is meant
STOP_IF_REMOVED, STOP_IF_ADDED, STOP_IF_CHANGED = 0.2, 0.5, 0.3


@dataclass(frozen=True)
class Audience:
    """One segment's way into one membership of one destination; shares are between 0 and 1.

    `container` and `membership` are what the destination makes of the words `audience` and `tag`: on Mailchimp a list and a
    tag in it, on Klaviyo the account ('') and a list.
    """

    segment: str
    relation: Relation
    destination: str
    container: str
    membership: str
    purpose: str
    mode: str = "mirror"
    priority: int = 0
    holdout: float = 0.0
    rollout: float = 1.0
    stop_if_removed: float = STOP_IF_REMOVED
    stop_if_added: float = STOP_IF_ADDED
    stop_if_changed: float = STOP_IF_CHANGED

    @property
    def name(self) -> str:
        return place_name(self.destination, self.container, self.membership)

    def held_by(self, held_back: Mapping[str, str]) -> str | None:
        """Why nobody may move through it, given reasons by segment or by destination; None when nothing holds it."""
        return held_back.get(self.segment) or held_back.get(self.destination)


def place_name(destination: str, container: str, membership: str) -> str:
    """How people call a membership: `mailchimp: Customers / VIP`, `klaviyo: Champions`."""
    return f"{destination}: {' / '.join(word for word in (container, membership) if word)}"


@dataclass(frozen=True)
class Field:
    """One column of a profile model and the ESP's field it fills.

    `purpose`, when said, must be granted for it to be sent. `kind` is text, number, date or boolean, None when the column's own
    type decides. A null clears the field there, or leaves it as it is.
    """

    column: str
    name: str
    purpose: str | None = None
    kind: str | None = None
    null_leaves: bool = False


@dataclass(frozen=True)
class ProfileModel:
    """What one destination may know of a person: the relation, the column with the address, the fields in their order.

    `mailbox` is the column with the address in the form consent is kept in, `speaker` the one with the customer whose fields
    a shared mailbox shows, `status` the one with the ESP's own last-known status, `esp_id` the one with the ESP's own id of the
    record; None when the model has no such column.
    """

    destination: str
    relation: Relation
    model: str
    key: str
    fields: tuple[Field, ...]
    mailbox: str | None = None
    speaker: str | None = None
    status: str | None = None
    esp_id: str | None = None


@dataclass(frozen=True)
class Targets:
    """Everything the project's `meta` asks the reverse sync to do, and where consent is to be read."""

    audiences: tuple[Audience, ...]
    profiles: Mapping[str, ProfileModel]
    consent_status: Relation | None
    consent_events: Relation | None
