"""HubSpot's constants: page sizes, limits, and the fields that everyone lands."""

from ingestion.fields import Fields, fields, paths
from ingestion.pace import Rate

LIST_PAGE = 100
SEARCH_PAGE = 200
EVENT_PAGE = 1_000
STATUS_ROWS = 100  # as in HubSpot's other batches; none is published for this one
SEARCH_RESULTS = 10_000  # no query gives more; the next window begins where this one ends
LAG_SECONDS = 300  # the search index lags behind the records; not published, kept generous
RATE = Rate(calls=190, seconds=10)
SEARCH_RATE = Rate(calls=4, seconds=1)  # 5 a second are allowed today, 4 were for years

# sent whether asked for or not; the record's own createdAt, updatedAt and id say the same
SENT_ANYWAY = paths(
    "properties.hs_object_id properties.createdate properties.lastmodifieddate properties.hs_lastmodifieddate"
    " propertiesWithHistory associations url objectWriteTraceId"
)

CONTACTS = Fields(
    table="contacts",
    key=("id",),
    fields=fields(
        id="text",
        created_at="timestamp createdAt",
        updated_at="timestamp updatedAt",
        archived="boolean",
        archived_at="timestamp archivedAt",
        email="text properties.email",
        firstname="text properties.firstname",
        lastname="text properties.lastname",
        phone="text properties.phone",
        mobilephone="text properties.mobilephone",
        company="text properties.company",
        city="text properties.city",
        zip="text properties.zip",
        country="text properties.country",
        hs_language="text properties.hs_language",
        lifecyclestage="text properties.lifecyclestage",
        hs_email_optout="boolean properties.hs_email_optout",
        hs_additional_emails="text properties.hs_additional_emails",
        hs_merged_object_ids="text properties.hs_merged_object_ids",
    ),
    latest="updated_at",
    ignored=SENT_ANYWAY,
)
_RECORD = {
    "id": "text",
    "created_at": "timestamp createdAt",
    "updated_at": "timestamp updatedAt",
    "archived": "boolean",
    "archived_at": "timestamp archivedAt",
}
# What people type freely (the name of a deal, the subject of a ticket) is not landed: it names somebody now and then, and
# these records say of whom only by associations, so that nobody could be erased from them.
COMPANIES = Fields(
    table="companies",
    key=("id",),
    fields=fields(
        **_RECORD,
        name="text properties.name",
        domain="text properties.domain",
        city="text properties.city",
        country="text properties.country",
        industry="text properties.industry",
        numberofemployees="integer properties.numberofemployees",
        lifecyclestage="text properties.lifecyclestage",
    ),
    latest="updated_at",
    ignored=SENT_ANYWAY,
)
DEALS = Fields(
    table="deals",
    key=("id",),
    fields=fields(
        **_RECORD,
        amount="decimal properties.amount",
        deal_currency_code="text properties.deal_currency_code",
        dealstage="text properties.dealstage",
        pipeline="text properties.pipeline",
        closedate="timestamp properties.closedate",
        hs_is_closed_won="boolean properties.hs_is_closed_won",
    ),
    latest="updated_at",
    ignored=SENT_ANYWAY,
)
TICKETS = Fields(
    table="tickets",
    key=("id",),
    fields=fields(
        **_RECORD,
        hs_pipeline="text properties.hs_pipeline",
        hs_pipeline_stage="text properties.hs_pipeline_stage",
        hs_ticket_priority="text properties.hs_ticket_priority",
        hs_ticket_category="text properties.hs_ticket_category",
        closed_date="timestamp properties.closed_date",
    ),
    latest="updated_at",
    ignored=SENT_ANYWAY,
)
RECORDS = (COMPANIES, DEALS, TICKETS)

# nobody decided anything about the others
DECIDED = ("SUBSCRIBED", "UNSUBSCRIBED")
SUBSCRIPTION_STATUSES = Fields(
    table="subscription_statuses",
    key=("subscriber", "subscription_id"),
    fields=fields(
        contact_id="text contactId",  # ours: whose address was asked for
        subscriber="text subscriberIdString",
        subscription_id="text subscriptionId",
        subscription_name="text subscriptionName",
        status="text",
        source="text",
        legal_basis="text legalBasis",
        decided_at="timestamp timestamp",
    ),
    latest="decided_at",
    ignored=paths("channel legalBasisExplanation setStatusSuccessReason businessUnitId"),
)
EMAIL_EVENTS = Fields(
    table="email_events",
    key=("id",),
    fields=fields(
        id="text",
        type="text",
        recipient="text",
        email_campaign_id="text emailCampaignId",
        url="text",
        occurred_at="timestamp created",
    ),
    latest="occurred_at",
    # whoever reads mail leaves a place, a browser and an address of the network: none of it is needed
    ignored=paths(
        "portalId appId appName browser location userAgent ipAddress hmid sentBy causedBy obsoletedBy sendId smtpId subject from"
        " replyTo cc bcc response status category attempt duration deviceType filteredEvent linkId referer dropReason dropMessage"
        " bounced suppressedMessage suppressedReason requestedBy requestedByEmail source portalSubscriptionStatus subscriptions"
        " emailCampaignGroupId"
    ),
)
