"""SendGrid's constants: what is read, in which sizes, and the fields of each table."""

from ingestion.fields import Field, Fields, fields, paths
from ingestion.pace import Rate

# none is published: below the 600 calls a minute that are told of each endpoint, which a connection may correct
CALLS_PER_MINUTE = 500
LAG_SECONDS = 900  # what changed may show a little later
MOST_SEARCHED = 50  # a search tells no more than these, whatever it finds
LISTS_PAGE, SUPPRESSIONS_PAGE, SENDS_PAGE = 1_000, 500, 50
LONGEST_EXPORT = 3_600.0  # seconds that an export is waited for

CONTACTS_PATH = "/v3/marketing/contacts"
EXPORTS, SEARCH, COUNT = (f"{CONTACTS_PATH}/{name}" for name in ("exports", "search", "count"))
LISTS_PATH = "/v3/marketing/lists"
GROUPS_PATH, GROUP_SUPPRESSIONS_PATH = "/v3/asm/groups", "/v3/asm/suppressions"
SUPPRESSIONS_PATH = "/v3/suppression/{name}"
# every list of the account that keeps an address from being mailed; blocks are of the moment
SUPPRESSION_LISTS = ("unsubscribes", "spam_reports", "bounces", "blocks", "invalid_emails")
SENDS_PATH, STATS_PATH = "/v3/marketing/singlesends", "/v3/marketing/stats/singlesends"


def rate(calls_per_minute: int = CALLS_PER_MINUTE) -> Rate:
    """How often the account is asked."""
    return Rate(calls_per_minute, 60)


CONTACTS = Fields(
    table="contacts",
    key=("id",),
    fields=fields(
        id="text",
        email="text",
        phone_number_id="text",
        external_id="text",
        anonymous_id="text",
        first_name="text",
        last_name="text",
        city="text",
        state_province_region="text",
        postal_code="text",
        country="text",
        created_at="timestamp",
        updated_at="timestamp",
    ),
    latest="updated_at",
    # an export has the account's own fields beside the others: those wanted are listed under `custom_properties`
    asked_by_name=True,
)
LISTS = Fields(
    table="lists",
    key=("id",),
    fields=fields(id="text", name="text", contact_count="integer", read_at="timestamp"),
    latest="read_at",
    ignored=paths("_metadata"),
)
LIST_CONTACTS = Fields(
    table="list_contacts",
    key=("list_id", "id"),
    fields=fields(list_id="text", id="text", read_at="timestamp"),
    latest="read_at",
    asked_by_name=True,
)
SUPPRESSIONS = Fields(
    table="suppressions",
    key=("suppression_list", "email"),
    fields=fields(id="text", suppression_list="text", email="text", created_at="timestamp", reason="text", status="text"),
    latest="created_at",
    ignored=paths("created ip"),
)
GROUPS = Fields(
    table="groups",
    key=("id",),
    fields=fields(id="text", name="text", description="text", is_default="boolean", read_at="timestamp"),
    latest="read_at",
    ignored=paths("unsubscribes"),
)
GROUP_SUPPRESSIONS = Fields(
    table="group_suppressions",
    key=("group_id", "email"),
    fields=fields(id="text", group_id="text", email="text", created_at="timestamp", group_name="text"),
    latest="created_at",
)
_STATS = ("requests", "delivered", "opens", "unique_opens", "clicks", "unique_clicks", "bounces", "spam_reports", "unsubscribes")
SINGLE_SENDS = Fields(
    table="single_sends",
    key=("id",),
    fields=(
        *fields(id="text", name="text", status="text", send_at="timestamp", updated_at="timestamp"),
        *(Field(name, f"stats.{name}", "integer") for name in _STATS),
        Field("read_at", "read_at", "timestamp"),
    ),
    latest="read_at",
    ignored=paths(
        """
        abtest categories is_abtest created_at stats.bounce_drops stats.invalid_emails stats.spam_report_drops channels
        """
    ),
)


def contact_fields(custom: dict[str, str]) -> Fields:
    """The columns of `contacts`, the account's own fields that are listed included."""
    return CONTACTS.with_custom(custom, lambda name: name.lower())


def tables(custom: dict[str, str]) -> list[Fields]:
    """What lands of an account besides what it no longer has; `custom` are the listed fields of contacts, `{name: type}`."""
    return [contact_fields(custom), LISTS, LIST_CONTACTS, SUPPRESSIONS, GROUPS, GROUP_SUPPRESSIONS, SINGLE_SENDS]
