"""The raw tables that hold people: by which columns a row is somebody's, and what an erasure does with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Action = Literal["delete", "anonymise"]


@dataclass(frozen=True)
class Place:
    """One raw table of `vendor`. Its rows belong to the record of `kind` that `record` names, and to whoever has an address.

    A phone number does not make a row somebody's: families share one. several: columns with several addresses, divided by
    `;`. merged: a column with ids, so divided, that went into the record. owned: a further record that the row belongs to,
    kind -> column. named: kinds and columns of further records that a row of theirs says are theirs, and that do not own it.
    An anonymised row stays: the columns of `surrogate` are given the person's surrogate, those of `blank` nothing. where: only
    these rows. opt_in: the columns that say when the person agreed, and what proves it.
    """

    vendor: str
    table: str
    kind: str
    record: str
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    several: tuple[str, ...] = ()
    merged: str | None = None
    owned: Mapping[str, str] = field(default_factory=dict)
    named: tuple[tuple[str, str], ...] = ()
    action: Action = "delete"
    surrogate: tuple[str, ...] = ()
    blank: tuple[str, ...] = ()
    where: str = ""
    opt_in: tuple[str, str] | None = None

    @property
    def relation(self) -> str:
        return f"raw_{self.vendor}.{self.table}"

    @property
    def records(self) -> Mapping[str, str]:
        """Kind -> column of every record that a row belongs to."""
        return {self.kind: self.record, **self.owned}


def own_tables(vendor: str) -> tuple[Place, ...]:
    """The tables of the company's own, the same whether they come from a database or from files."""
    return (
        Place(vendor, "contacts", "own_contact", "id", emails=("email",), phones=("phone",)),
        Place(
            *(vendor, "orders", "own_order", "id"),
            emails=("email",),
            owned={"own_contact": "contact_id"},
            action="anonymise",
            surrogate=("contact_id",),
            blank=("email", "name"),
        ),
        Place(vendor, "order_lines", "own_order", "order_id", action="anonymise", blank=("title", "sku")),
        Place(
            *(vendor, "events", "own_contact", "contact_id"),
            owned={"visitor": "unnamed_id"},
            named=(("visitor", "visitor_id"),),
        ),
        Place(vendor, "consent_acts", "own_contact", "contact_id", emails=("email",)),
        Place(vendor, "enrichment", "own_contact", "contact_id", emails=("email",)),
        Place(vendor, "removed", "own_contact", "id", where="resource = 'contacts'"),
    )


# What was bought, for how much and when stays: the books need it, and without the person it is about nobody. Titles go, for
# a shop may write what the person typed into them; the product of a line stays.
PLACES = (
    Place(
        *("hubspot", "contacts", "contact", "id"),
        emails=("email",),
        phones=("phone", "mobilephone"),
        several=("hs_additional_emails",),
        merged="hs_merged_object_ids",
    ),
    Place("hubspot", "subscription_statuses", "contact", "contact_id", emails=("subscriber",)),
    Place("hubspot", "email_events", "email_event", "id", emails=("recipient",)),
    Place("shopify", "customers", "customer", "id", emails=("email",), phones=("phone",)),
    Place(
        *("shopify", "orders", "order", "id"),
        emails=("email",),
        owned={"customer": "customer_id"},
        action="anonymise",
        surrogate=("customer_id",),
        blank=("email", "name"),
    ),
    Place("shopify", "order_lines", "order", "order_id", action="anonymise", blank=("title", "sku")),
    Place("shopify", "refunds", "order", "order_id", action="anonymise", blank=("lines",)),
    Place("shopify", "abandoned_checkouts", "customer", "customer_id"),
    Place("shopify", "removed", "customer", "id", where="resource = 'customers'"),
    Place("mailchimp", "members", "member", "id", emails=("email_address",), opt_in=("timestamp_opt", "ip_opt")),
    Place("mailchimp", "member_interests", "member", "id"),
    Place("mailchimp", "sent_to", "member", "email_id", emails=("email_address",)),
    Place("mailchimp", "email_activity", "member", "email_id"),
    Place("mailchimp", "unsubscribes", "member", "email_id", emails=("email_address",)),
    Place("mailchimp", "abuse_reports", "member", "email_id", emails=("email_address",)),
    Place("mailchimp", "removed", "member", "id", where="resource = 'members'"),
    Place("klaviyo", "profiles", "profile", "id", emails=("email",), phones=("phone_number",)),
    Place("klaviyo", "list_members", "profile", "id"),
    Place("klaviyo", "events", "profile", "profile_id", emails=("recipient",)),
    Place("klaviyo", "removed", "profile", "id", where="resource in ('profiles', 'list_members')"),
    Place("sendgrid", "contacts", "contact", "id", emails=("email",), phones=("phone_number_id",)),
    Place("sendgrid", "list_contacts", "contact", "id"),
    Place("sendgrid", "suppressions", "suppression", "id", emails=("email",)),
    Place("sendgrid", "group_suppressions", "suppression", "id", emails=("email",)),
    Place("sendgrid", "removed", "contact", "id", where="resource in ('contacts', 'list_contacts')"),
    Place("salesforce", "contacts", "contact", "id", emails=("email",), phones=("phone", "mobile_phone")),
    Place("salesforce", "leads", "lead", "id", emails=("email",), phones=("phone", "mobile_phone")),
    Place("salesforce", "campaign_members", "contact", "contact_id", owned={"lead": "lead_id"}),
    Place("salesforce", "tasks", "contact", "who_id", owned={"lead": "who_id"}),
    Place("salesforce", "cases", "contact", "contact_id"),
    Place("salesforce", "removed", "contact", "id", where="resource in ('contacts', 'leads')", owned={"lead": "id"}),
    # what a browser did while nobody was named there is theirs; what somebody else did there under their own name is not
    Place(
        *("segment", "events", "user", "user_id"),
        emails=("email",),
        phones=("phone",),
        owned={"visitor": "unnamed_id"},
        named=(("visitor", "anonymous_id"), ("visitor", "previous_id"), ("user", "previous_id")),
    ),
    *(place for vendor in ("database", "files") for place in own_tables(vendor)),
    Place("inbox", "consent_acts", "act", "event_id", emails=("address",)),
)
BY_TABLE = {(place.vendor, place.table): place for place in PLACES}
# how the name begins that stands for an erased person in orders
SURROGATE = "erased-"
# kinds under which the models call a record by more than the vendor's own id
PREFIXED = {"member": ":"}


def bare_id(kind: str, record_id: str) -> str:
    """The vendor's own id of a record as the models call it: of a Mailchimp member without its list."""
    return record_id.rpartition(PREFIXED[kind])[2] if kind in PREFIXED else record_id


def record_name(connection_id: str, kind: str, identifier: str) -> str:
    """How a tombstone calls a record."""
    return f"{connection_id}/{kind}/{identifier}"
