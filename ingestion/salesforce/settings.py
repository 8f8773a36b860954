"""Salesforce's constants: addresses, page sizes, limits, and the fields of each object that everyone lands."""

from dataclasses import dataclass

from ingestion.fields import Fields, fields
from ingestion.pace import Rate
from mailhouse.vendors.salesforce_objects import TABLES

QUERY, QUERY_ALL = "/services/data/v{version}/query", "/services/data/v{version}/queryAll"
BULK = "/services/data/v{version}/jobs/query"
PAGES = "/services/data/"  # where nextRecordsUrl must lead
LAG_SECONDS = 900  # a record bears the time at which its transaction began, and shows when that ends
BULK_ROWS = 50_000  # a first load of more records goes by Bulk API 2.0; `settings: {bulk_rows: …}`
BULK_PAGE = 50_000  # records of a result that are fetched at once
RATE = Rate(calls=20, seconds=1)  # Salesforce limits the calls of a day and of long runners, not of a second: our own choice
REMOVALS_HOURS = 144  # all ids are held against ours so often: what was deleted for good never lay in the recycle bin

SYSTEM = {
    "created_date": "timestamp CreatedDate",
    "system_modstamp": "timestamp SystemModstamp",
    "is_deleted": "boolean IsDeleted",
}


@dataclass(frozen=True)
class Resource:
    """An object and the table that it lands in."""

    sobject: str
    fields: Fields

    @property
    def table(self) -> str:
        return self.fields.table


def _resource(sobject: str, **columns: str) -> Resource:
    made = fields(id="text Id", **columns, **SYSTEM)
    table = TABLES[sobject]
    return Resource(sobject, Fields(table=table, key=("id",), fields=made, latest="system_modstamp", asked_by_name=True))


CONTACTS = _resource(
    "Contact",
    account_id="text AccountId",
    master_record_id="text MasterRecordId",
    first_name="text FirstName",
    last_name="text LastName",
    title="text Title",
    email="text Email",
    phone="text Phone",
    mobile_phone="text MobilePhone",
    mailing_city="text MailingCity",
    mailing_postal_code="text MailingPostalCode",
    mailing_country="text MailingCountry",
    lead_source="text LeadSource",
    has_opted_out_of_email="boolean HasOptedOutOfEmail",
    email_bounced_date="timestamp EmailBouncedDate",
)
LEADS = _resource(
    "Lead",
    master_record_id="text MasterRecordId",
    first_name="text FirstName",
    last_name="text LastName",
    title="text Title",
    company="text Company",
    email="text Email",
    phone="text Phone",
    mobile_phone="text MobilePhone",
    city="text City",
    postal_code="text PostalCode",
    country="text Country",
    status="text Status",
    lead_source="text LeadSource",
    has_opted_out_of_email="boolean HasOptedOutOfEmail",
    email_bounced_date="timestamp EmailBouncedDate",
    is_converted="boolean IsConverted",
    converted_date="date ConvertedDate",
    converted_contact_id="text ConvertedContactId",
    converted_account_id="text ConvertedAccountId",
    converted_opportunity_id="text ConvertedOpportunityId",
)
ACCOUNTS = _resource(
    "Account",
    master_record_id="text MasterRecordId",
    parent_id="text ParentId",
    name="text Name",
    type="text Type",
    industry="text Industry",
    website="text Website",
    billing_city="text BillingCity",
    billing_postal_code="text BillingPostalCode",
    billing_country="text BillingCountry",
    number_of_employees="integer NumberOfEmployees",
    annual_revenue="decimal AnnualRevenue",
)
OPPORTUNITIES = _resource(
    "Opportunity",
    account_id="text AccountId",
    campaign_id="text CampaignId",
    name="text Name",
    type="text Type",
    stage_name="text StageName",
    probability="decimal Probability",
    amount="decimal Amount",
    currency="text CurrencyIsoCode",
    close_date="date CloseDate",
    is_closed="boolean IsClosed",
    is_won="boolean IsWon",
    lead_source="text LeadSource",
)
CAMPAIGNS = _resource(
    "Campaign",
    parent_id="text ParentId",
    name="text Name",
    type="text Type",
    status="text Status",
    is_active="boolean IsActive",
    start_date="date StartDate",
    end_date="date EndDate",
)
CAMPAIGN_MEMBERS = _resource(
    "CampaignMember",
    campaign_id="text CampaignId",
    contact_id="text ContactId",
    lead_id="text LeadId",
    status="text Status",
    has_responded="boolean HasResponded",
    first_responded_date="date FirstRespondedDate",
)
# of tasks and cases no subject and no text: a synchronised mailbox writes whole mails there
TASKS = _resource(
    "Task",
    who_id="text WhoId",
    what_id="text WhatId",
    account_id="text AccountId",
    status="text Status",
    priority="text Priority",
    task_subtype="text TaskSubtype",
    activity_date="date ActivityDate",
    is_closed="boolean IsClosed",
)
CASES = _resource(
    "Case",
    master_record_id="text MasterRecordId",
    contact_id="text ContactId",
    account_id="text AccountId",
    case_number="text CaseNumber",
    status="text Status",
    priority="text Priority",
    origin="text Origin",
    is_closed="boolean IsClosed",
    closed_date="timestamp ClosedDate",
)
RESOURCES = (CONTACTS, LEADS, ACCOUNTS, OPPORTUNITIES, CAMPAIGNS, CAMPAIGN_MEMBERS, TASKS, CASES)
# an org with one currency has no such field: the connection says which one it is
CURRENCY = "CurrencyIsoCode"
