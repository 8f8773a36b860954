"""Salesforce's objects in the sandbox: their fields with types, the prefixes of their ids, and how a row stands in the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailhouse.sandbox.store import Row, stamp

SYSTEM = {
    "Id": "id",
    "IsDeleted": "boolean",
    "CreatedDate": "datetime",
    "LastModifiedDate": "datetime",
    "SystemModstamp": "datetime",
}
# where the fields stand that are columns of the store; all others are in the body
COLUMNS = {
    "Id": "id",
    "IsDeleted": "deleted",
    "CreatedDate": "created_at",
    "LastModifiedDate": "updated_at",
    "SystemModstamp": "updated_at",
    "Email": "email",
}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


@dataclass(frozen=True)
class SObject:
    """One object: its own fields by name, beside those that every object has."""

    name: str
    prefix: str
    fields: Mapping[str, str]
    is_history: bool = False

    @property
    def kind(self) -> str:
        return f"salesforce.{self.name}"

    @property
    def all_fields(self) -> dict[str, str]:
        return {**SYSTEM, **self.fields}

    def field(self, name: str) -> str | None:
        """The field as Salesforce spells it; callers may use any case."""
        return next((own for own in self.all_fields if own.lower() == name.lower()), None)


def _typed(**names: str) -> dict[str, str]:
    """`type="Name Name"` as name -> type."""
    return {name: kind for kind, said in names.items() for name in said.split()}


PERSON = _typed(
    string="FirstName LastName Name Title LeadSource EmailBouncedReason",
    email="Email",
    phone="Phone MobilePhone",
    boolean="HasOptedOutOfEmail DoNotCall",
    datetime="EmailBouncedDate",
    reference="MasterRecordId OwnerId",
)
OBJECTS = {
    one.name: one
    for one in (
        SObject(
            "Contact",
            "003",
            PERSON
            | _typed(
                string="MailingStreet MailingCity MailingPostalCode MailingCountry Department Preferred_Store__c",
                reference="AccountId",
                date="Birthdate",
            ),
        ),
        SObject(
            "Lead",
            "00Q",
            PERSON
            | _typed(
                string="Company Street City PostalCode Country Status Industry",
                boolean="IsConverted",
                reference="ConvertedContactId ConvertedAccountId ConvertedOpportunityId",
                date="ConvertedDate",
            ),
        ),
        SObject(
            "Account",
            "001",
            _typed(
                string="Name Type Industry Website BillingStreet BillingCity BillingPostalCode BillingCountry",
                phone="Phone",
                int="NumberOfEmployees",
                currency="AnnualRevenue",
                reference="MasterRecordId ParentId OwnerId",
            ),
        ),
        SObject(
            "Opportunity",
            "006",
            _typed(
                string="Name StageName Type LeadSource",
                currency="Amount",
                percent="Probability",
                date="CloseDate",
                boolean="IsClosed IsWon",
                reference="AccountId CampaignId OwnerId",
            ),
        ),
        SObject(
            "Campaign",
            "701",
            _typed(
                string="Name Type Status",
                boolean="IsActive",
                date="StartDate EndDate",
                currency="BudgetedCost ActualCost",
                reference="ParentId OwnerId",
            ),
        ),
        SObject(
            "CampaignMember",
            "00v",
            _typed(
                string="Status",
                boolean="HasResponded",
                date="FirstRespondedDate",
                reference="CampaignId ContactId LeadId",
            ),
        ),
        SObject(
            "Task",
            "00T",
            _typed(
                string="Subject Status Priority TaskSubtype",
                boolean="IsClosed",
                date="ActivityDate",
                reference="WhoId WhatId AccountId OwnerId",
            ),
        ),
        SObject(
            "Case",
            "500",
            _typed(
                string="CaseNumber Subject Status Priority Origin Type Reason",
                boolean="IsClosed IsEscalated",
                datetime="ClosedDate",
                email="SuppliedEmail",
                reference="ContactId AccountId MasterRecordId OwnerId",
            ),
        ),
        # what field history tracking writes down; it is switched on for HasOptedOutOfEmail
        SObject("ContactHistory", "017", _typed(string="Field OldValue NewValue", reference="ContactId"), is_history=True),
        SObject("LeadHistory", "017", _typed(string="Field OldValue NewValue", reference="LeadId"), is_history=True),
    )
}
PEOPLE = ("Contact", "Lead")
TRACKED = "HasOptedOutOfEmail"


def sobject(name: str) -> SObject | None:
    """The object of that name in any case."""
    return next((one for one in OBJECTS.values() if one.name.lower() == name.lower()), None)


def identifier(prefix: str, number: int) -> str:
    """The 18 characters of a record: prefix, number, and three that tell capitals from small letters."""
    plain = f"{prefix}Sb0{number:09d}"
    suffix = ""
    for start in range(0, 15, 5):
        bits = sum(1 << place for place, letter in enumerate(plain[start : start + 5]) if letter.isupper())
        suffix += ALPHABET[bits]
    return plain + suffix


def record_row(
    kind: SObject, record_id: str, body: dict[str, Any], updated: datetime | str, created: datetime | str, deleted: bool = False
) -> Row:
    """A record for the store. Stamps have whole seconds, so that many records share one, as in Salesforce."""
    body = {**dict.fromkeys(kind.fields), **{name: False for name, of in kind.fields.items() if of == "boolean"}, **body}
    if "LastName" in kind.fields:
        body["Name"] = " ".join(part for part in (body["FirstName"], body["LastName"]) if part)
    email = str(body.get("Email") or "").lower()
    return Row(record_id, body, _whole(updated), _whole(created), "", email, deleted)


def _whole(moment: datetime | str) -> str:
    return f"{stamp(moment)[:19]}.000Z"


def value_of(kind: SObject, row: Row, name: str) -> Any:
    """A field of a record in the JSON of the REST API."""
    if name in SYSTEM:
        found = {"Id": row.id, "IsDeleted": row.deleted, "CreatedDate": row.created_at}.get(name, row.updated_at)
    else:
        found = row.body.get(name)
    if found is not None and kind.all_fields[name] == "datetime":
        return f"{stamp(found)[:-1]}+0000"
    return found
