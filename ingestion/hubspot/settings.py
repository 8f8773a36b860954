"""HubSpot's constants: addresses, page sizes, limits, and the fields of a contact that everyone lands."""

from ingestion.fields import Fields, fields
from ingestion.pace import Rate

API_VERSION = "2026-03"  # a date-versioned path; a connection may name another under `settings: {api_version: …}`
LIST_CONTACTS = "/crm/objects/{version}/contacts"
SEARCH_CONTACTS = "/crm/objects/{version}/contacts/search"
LIST_PAGE = 100
SEARCH_PAGE = 200
SEARCH_RESULTS = 10_000  # no query gives more; the next window begins where this one ends
LAG_SECONDS = 300  # the search index lags behind the records; not published, kept generous
RATE = Rate(calls=190, seconds=10)
SEARCH_RATE = Rate(calls=4, seconds=1)  # 5 a second are allowed today, 4 were for years

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
    # sent whether asked for or not; the record's own createdAt, updatedAt and id say the same
    ignored=frozenset(
        {
            "properties.hs_object_id",
            "properties.createdate",
            "properties.lastmodifieddate",
            "propertiesWithHistory",
            "associations",
            "url",
            "objectWriteTraceId",
        }
    ),
)
