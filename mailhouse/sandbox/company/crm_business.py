"""What a CRM has beside its contacts: companies, deals, tickets, and what HubSpot's own service mails set off."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from mailhouse.sandbox.company.calendar import between, iso
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.hubspot_events import event_row
from mailhouse.sandbox.store import Row, Store

SHARE_DEALS, SHARE_TICKETS, SHARE_MAILS = 0.06, 0.04, 0.05
STAGES = ("appointmentscheduled", "qualifiedtobuy", "contractsent", "closedwon", "closedlost")
SERVICE_MAIL = 2_001


def put(store: Store, company: Company, contacts: list[Row]) -> None:
    """All of it, by chance of its own: nobody else's numbers and names change because of it."""
    live = [row for row in contacts if not row.deleted]
    store.put_many("hubspot.company", _companies(company, company.stream("crm companies"), live))
    store.put_many("hubspot.deal", _deals(company, company.stream("crm deals"), live))
    store.put_many("hubspot.ticket", _tickets(company, company.stream("crm tickets"), live))
    store.put_many("hubspot.email_event", _mails(company, company.stream("crm mails"), live))


def _record(company: Company, kind: str, rng: Random, properties: dict[str, Any]) -> Row:
    created = between(rng, company.calendar.first, company.calendar.now)
    updated = between(rng, created, company.calendar.now)
    body = {"createdAt": iso(created), "updatedAt": iso(updated), "archived": False, "properties": properties}
    return Row(company.next_id(kind), body, iso(updated), iso(created))


def _companies(company: Company, rng: Random, contacts: list[Row]) -> Iterator[Row]:
    names = sorted({str(name) for row in contacts if (name := row.body["properties"]["company"])})
    for name in names:
        domain = "".join(letter for letter in name.lower() if letter.isalnum()) + ".example"
        properties = {"name": name, "domain": domain, "industry": rng.choice(("RETAIL", "HOSPITALITY", None))}
        yield _record(company, "hubspot.company", rng, properties | {"numberofemployees": str(rng.randint(1, 400))})


def _deals(company: Company, rng: Random, contacts: list[Row]) -> Iterator[Row]:
    for _ in range(round(len(contacts) * SHARE_DEALS)):
        stage = rng.choice(STAGES)
        closed = iso(between(rng, company.calendar.first, company.calendar.now)) if stage.startswith("closed") else None
        properties = {"dealname": f"Deal {rng.randint(1, 9_999)}", "amount": f"{rng.randint(50, 9_000)}.00", "dealstage": stage}
        properties |= {"deal_currency_code": "EUR", "pipeline": "default", "hs_is_closed_won": str(stage == "closedwon").lower()}
        yield _record(company, "hubspot.deal", rng, properties | {"closedate": closed})


def _tickets(company: Company, rng: Random, contacts: list[Row]) -> Iterator[Row]:
    for _ in range(round(len(contacts) * SHARE_TICKETS)):
        stage = rng.choice(("1", "2", "4"))
        closed = iso(between(rng, company.calendar.first, company.calendar.now)) if stage == "4" else None
        properties = {"subject": "A question", "hs_pipeline": "0", "hs_pipeline_stage": stage, "closed_date": closed}
        yield _record(company, "hubspot.ticket", rng, properties | {"hs_ticket_priority": rng.choice(("LOW", "MEDIUM", "HIGH"))})


def _mails(company: Company, rng: Random, contacts: list[Row]) -> Iterator[Row]:
    """Service mails of the last month: sent and delivered, and often opened."""
    now = company.calendar.now
    for row in contacts:
        address = row.email
        if rng.random() >= SHARE_MAILS or not address or row.body["properties"]["hs_email_optout"] == "true":
            continue
        sent = between(rng, now - timedelta(days=30), now)
        steps: list[tuple[str, datetime]] = [("SENT", sent), ("DELIVERED", sent + timedelta(seconds=40))]
        if rng.random() < 0.5:
            steps.append(("OPEN", sent + timedelta(seconds=rng.randint(60, 90_000))))
        for number, (kind, moment) in enumerate(steps):
            if moment < now:
                yield event_row(f"{company.seed}-{row.id}-{number}", kind, address, moment, SERVICE_MAIL)
