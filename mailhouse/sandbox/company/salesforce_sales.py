"""What the sales people do with their contacts and leads: campaigns, opportunities, tasks and cases."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from mailhouse.sandbox.company.calendar import between, iso
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.salesforce_objects import OBJECTS, identifier, record_row
from mailhouse.sandbox.store import Row, Store

CAMPAIGNS = 6
SHARE_INVITED, SHARE_RESPONDED = 0.35, 0.3
SHARE_WITH_OPPORTUNITY, SHARE_WITH_TASK, SHARE_WITH_CASE = 0.3, 0.4, 0.08
STAGES = (("Prospecting", 10), ("Proposal/Price Quote", 75), ("Closed Won", 100), ("Closed Lost", 0))


def put_sales(store: Store, company: Company, rng: Random, contacts: Sequence[Row], leads: Sequence[Row]) -> None:
    """Everything that hangs on those people, up to the present."""
    campaigns = list(_campaigns(company))
    store.put_many(OBJECTS["Campaign"].kind, campaigns)
    store.put_many(OBJECTS["CampaignMember"].kind, _members(company, rng, campaigns, contacts, leads))
    store.put_many(
        OBJECTS["Opportunity"].kind, (_opportunity(company, rng, row) for row in contacts if _some(rng, SHARE_WITH_OPPORTUNITY))
    )
    store.put_many(OBJECTS["Task"].kind, (task(company, rng, row) for row in (*contacts, *leads) if _some(rng, SHARE_WITH_TASK)))
    store.put_many(OBJECTS["Case"].kind, (case(company, rng, row) for row in contacts if _some(rng, SHARE_WITH_CASE)))


def _some(rng: Random, share: float) -> bool:
    return rng.random() < share


def _new(company: Company, name: str, body: dict, at: datetime) -> Row:
    record_id = identifier(OBJECTS[name].prefix, int(company.next_id(f"salesforce.{name}")))
    return record_row(OBJECTS[name], record_id, body, at, at)


def _campaigns(company: Company) -> Iterator[Row]:
    first, now = company.calendar.first, company.calendar.now
    for number in range(CAMPAIGNS):
        starts = first + (now - first) * (number + 0.5) / CAMPAIGNS
        body = {"Name": f"Trade fair {starts:%B %Y}", "Type": "Trade Show", "Status": "Completed", "IsActive": True}
        body |= {"StartDate": iso(starts)[:10], "EndDate": iso(starts + timedelta(days=3))[:10], "BudgetedCost": 12_500}
        yield _new(company, "Campaign", body, starts)


def _members(
    company: Company, rng: Random, campaigns: Sequence[Row], contacts: Sequence[Row], leads: Sequence[Row]
) -> Iterator[Row]:
    for field, people in (("ContactId", contacts), ("LeadId", leads)):
        for row in people:
            if _some(rng, SHARE_INVITED):
                campaign, responded = rng.choice(campaigns), _some(rng, SHARE_RESPONDED)
                at = _since(company, rng, row)
                body = {"CampaignId": campaign.id, field: row.id, "Status": "Responded" if responded else "Sent"}
                body |= {"HasResponded": responded, "FirstRespondedDate": iso(at)[:10] if responded else None}
                yield _new(company, "CampaignMember", body, at)


def _opportunity(company: Company, rng: Random, contact: Row) -> Row:
    stage, probability = rng.choice(STAGES)
    at = _since(company, rng, contact)
    body = {"Name": f"Order {at:%Y-%m}", "StageName": stage, "Probability": probability, "AccountId": contact.body["AccountId"]}
    body |= {"Amount": rng.randint(5, 400) * 50, "CloseDate": iso(at + timedelta(days=30))[:10]}
    body |= {"IsClosed": stage.startswith("Closed"), "IsWon": stage == "Closed Won", "Type": "New Customer"}
    return _new(company, "Opportunity", body, at)


def task(company: Company, rng: Random, person: Row, at: datetime | None = None) -> Row:
    """A call or a mail to be done about a contact or a lead."""
    at = at or _since(company, rng, person)
    body = {"WhoId": person.id, "Subject": rng.choice(("Call", "Send letter", "Email")), "Priority": "Normal"}
    body |= {"Status": "Completed", "IsClosed": True, "ActivityDate": iso(at)[:10], "TaskSubtype": "Task"}
    return _new(company, "Task", body | {"AccountId": person.body.get("AccountId")}, at)


def case(company: Company, rng: Random, contact: Row, at: datetime | None = None) -> Row:
    """Something that a contact complained of."""
    at = at or _since(company, rng, contact)
    closed = _some(rng, 0.8)
    body = {"CaseNumber": f"{int(company.next_id('salesforce.case number')):08d}", "ContactId": contact.id, "Origin": "Email"}
    body |= {"AccountId": contact.body["AccountId"], "Status": "Closed" if closed else "New", "IsClosed": closed}
    body |= {"Priority": rng.choice(("Low", "Medium", "High")), "ClosedDate": iso(at) if closed else None}
    return _new(company, "Case", body, at)


def _since(company: Company, rng: Random, row: Row) -> datetime:
    created = datetime.fromisoformat(str(row.created_at))
    return between(rng, created, company.calendar.now - timedelta(minutes=1))
