"""What is known of one address, for people: the decision by purpose, and the entries of the ledger that it goes by."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from mailhouse.consent.current import CurrentConsent
from mailhouse.contact_points import normalise_email
from mailhouse.errors import ConfigurationError
from mailhouse.report import Table
from mailhouse.settings import Settings
from mailhouse.warehouse import Warehouse

DECISIONS = ("channel", "purpose", "brand", "decision", "reason", "jurisdiction", "since", "entry")
ENTRIES = ("when", "heard", "act", "purpose", "source", "reason", "proof", "evidence", "said of", "entry")


def tables(settings: Settings, address: str, now: datetime) -> list[Table]:
    """The decisions and the entries for an address at `now`, by the published copy and the inbox.

    Raises ConfigurationError for what is no address, WarehouseMissing, ConsentUnavailable, StateUnreadable.
    """
    mailbox = normalise_email(address).wide
    if not mailbox:
        raise ConfigurationError("consent is kept by address; name one")
    manifest = settings.published_target / "manifest.json"
    with Warehouse(settings).read() as warehouse, CurrentConsent(settings, warehouse, manifest) as current:
        decisions = current.decide({mailbox}, now).to_pylist()
        entries = current.acts(mailbox).to_pylist()
    nothing = "Nothing is known of this address, so nothing is sent to it." if not decisions else ""
    return [
        Table(f"Decisions at {_moment(now)}", DECISIONS, [_decision(row) for row in decisions], nothing),
        Table("Entries of the ledger and the inbox", ENTRIES, [_entry(row, mailbox) for row in entries]),
    ]


def _decision(row: Mapping[str, Any]) -> list[str]:
    names = ("channel", "purpose", "brand", "decision", "reason", "jurisdiction")
    return [*_texts(row, names), _moment(row["effective_at"]), row["event_id"]]


def _entry(row: Mapping[str, Any], mailbox: str) -> list[str]:
    said = _texts(row, ("act", "purpose", "source", "reason", "proof", "evidence"))
    whose = "this address" if row["mailbox"] == mailbox else "another of the person's"
    return [_moment(row["occurred_at"]), _moment(row["received_at"]), *said, whose, row["event_id"][:12]]


def _texts(row: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    return ["" if row[name] is None else str(row[name]) for name in names]


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "unknown"
