"""Klaviyo's constants: what is read at which rate, the e-mail metrics we take, and the fields of each table."""

import json
from dataclasses import dataclass

from ingestion.fields import Fields, fields, paths
from ingestion.pace import Rate
from mailhouse.vendors import klaviyo_limits

PUBLISHED = json.loads(klaviyo_limits.FILE.read_text(encoding="utf-8"))
REVISION = PUBLISHED["revision"]  # of the API; a connection may name another under `settings: {revision: …}`
LAG_SECONDS = 900  # events show up minutes after they happened
REMOVALS_HOURS = 20  # no count of profiles is to be had, only all ids: so a daily run looks every time, an hourly one does not
PROFILES_PAGE, EVENTS_PAGE, LISTS_PAGE, CAMPAIGNS_PAGE = 100, 1_000, 10, 100
SUPPRESSED = "subscriptions.email.marketing.suppression.timestamp"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A collection that is read; each has limits of its own."""

    path: str

    @property
    def rates(self) -> tuple[Rate, Rate]:
        """The published burst (a second) and steady rate (a minute)."""
        limits = PUBLISHED["endpoints"][f"GET {self.path}"]
        return Rate(limits["burst"], 1), Rate(limits["steady"], 60)


GET_PROFILES = Endpoint("/api/profiles")
GET_LISTS = Endpoint("/api/lists")
GET_LIST_MEMBERS = Endpoint("/api/lists/{id}/profiles")
GET_LIST_MEMBER_IDS = Endpoint("/api/lists/{id}/relationships/profiles")
GET_METRICS = Endpoint("/api/metrics")
GET_EVENTS = Endpoint("/api/events")
GET_SEGMENTS = Endpoint("/api/segments")
GET_CAMPAIGNS = Endpoint("/api/campaigns")

# Of all that an account records, the events that tell what became of a mail, and how people came and went. Older accounts
# have the shorter names.
EMAIL_METRICS = frozenset(
    {
        "Received Email",
        "Bounced Email",
        "Opened Email",
        "Clicked Email",
        "Marked Email as Spam",
        "Unsubscribed",
        "Unsubscribed from Email Marketing",
        "Unsubscribed from List",
        "Subscribed to Email Marketing",
        "Subscribed to List",
    }
)
OWN_INTEGRATION = "Klaviyo"  # a metric of the same name that another tool feeds tells of that tool's mails

PROFILES = Fields(
    table="profiles",
    key=("id",),
    fields=fields(
        id="text",
        email="text attributes.email",
        phone_number="text attributes.phone_number",
        external_id="text attributes.external_id",
        first_name="text attributes.first_name",
        last_name="text attributes.last_name",
        organization="text attributes.organization",
        locale="text attributes.locale",
        city="text attributes.location.city",
        zip="text attributes.location.zip",
        country="text attributes.location.country",
        created="timestamp attributes.created",
        updated="timestamp attributes.updated",
        last_event_date="timestamp attributes.last_event_date",
        consent="text attributes.subscriptions.email.marketing.consent",
        consent_timestamp="timestamp attributes.subscriptions.email.marketing.consent_timestamp",
        consent_method="text attributes.subscriptions.email.marketing.method",
        consent_method_detail="text attributes.subscriptions.email.marketing.method_detail",
        double_optin="boolean attributes.subscriptions.email.marketing.double_optin",
        can_receive_email_marketing="boolean attributes.subscriptions.email.marketing.can_receive_email_marketing",
        suppressions="json attributes.subscriptions.email.marketing.suppression",
        list_suppressions="json attributes.subscriptions.email.marketing.list_suppressions",
    ),
    latest="updated",
    # `properties` holds the account's own fields: those wanted are listed under `custom_properties`
    ignored=paths(
        """
        type links relationships attributes.title attributes.image attributes.properties attributes.predictive_analytics
        attributes.location.address1 attributes.location.address2 attributes.location.region attributes.location.latitude
        attributes.location.longitude attributes.location.timezone attributes.location.ip
        attributes.subscriptions.sms attributes.subscriptions.mobile_push attributes.subscriptions.whatsapp
        attributes.subscriptions.email.open_tracking attributes.subscriptions.email.marketing.last_updated
        attributes.subscriptions.email.marketing.custom_method_detail
        """
    ),
)
LISTS = Fields(
    table="lists",
    key=("id",),
    fields=fields(
        id="text",
        name="text attributes.name",
        opt_in_process="text attributes.opt_in_process",
        created="timestamp attributes.created",
        updated="timestamp attributes.updated",
    ),
    latest="updated",
    ignored=paths("type links relationships"),
)
LIST_MEMBERS = Fields(
    table="list_members",
    key=("list_id", "id"),
    fields=fields(list_id="text", id="text", joined_group_at="timestamp attributes.joined_group_at"),
    latest="joined_group_at",
    asked_by_name=True,
)
METRICS = Fields(
    table="metrics",
    key=("id",),
    fields=fields(
        id="text",
        name="text attributes.name",
        integration_name="text attributes.integration.name",
        created="timestamp attributes.created",
        updated="timestamp attributes.updated",
    ),
    latest="updated",
    ignored=paths(
        """
        type links relationships attributes.integration.object attributes.integration.id attributes.integration.key
        attributes.integration.category attributes.integration.image_url
        """
    ),
)
EVENTS = Fields(
    table="events",
    key=("id",),
    fields=fields(
        id="text",
        metric_id="text",
        profile_id="text relationships.profile.data.id",
        occurred_at="timestamp attributes.datetime",
        message_id="text attributes.event_properties.$message",
        flow_id="text attributes.event_properties.$flow",
        recipient="text attributes.event_properties.Recipient Email Address",
        campaign_name="text attributes.event_properties.Campaign Name",
        subject="text attributes.event_properties.Subject",
        url="text attributes.event_properties.URL",
        bounce_type="text attributes.event_properties.Bounce Type",
        method="text attributes.event_properties.method",
    ),
    # what else an event holds (devices, places, what was shown) nobody needs here
    ignored=paths(
        """
        type links attributes.timestamp attributes.uuid attributes.event_properties relationships.metric
        relationships.attributions relationships.profile.links relationships.profile.data.type
        """
    ),
)
SEGMENTS = Fields(
    table="segments",
    key=("id",),
    fields=fields(
        id="text",
        name="text attributes.name",
        definition="json attributes.definition",
        is_active="boolean attributes.is_active",
        created="timestamp attributes.created",
        updated="timestamp attributes.updated",
    ),
    latest="updated",
    ignored=paths("type links relationships attributes.is_processing attributes.is_starred"),
)
CAMPAIGNS = Fields(
    table="campaigns",
    key=("id",),
    fields=fields(
        id="text",
        name="text attributes.name",
        status="text attributes.status",
        archived="boolean attributes.archived",
        included="json attributes.audiences.included",
        excluded="json attributes.audiences.excluded",
        scheduled_at="timestamp attributes.scheduled_at",
        send_time="timestamp attributes.send_time",
        created_at="timestamp attributes.created_at",
        updated_at="timestamp attributes.updated_at",
    ),
    latest="updated_at",
    ignored=paths(
        """
        type links relationships attributes.send_options attributes.tracking_options attributes.send_strategy
        """
    ),
)
