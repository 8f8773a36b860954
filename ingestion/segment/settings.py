"""Segment's constants: its six calls, its limits, and the fields of an event."""

from ingestion.fields import Fields, fields

CALLS = frozenset({"identify", "track", "page", "screen", "group", "alias"})
# Segment refuses more than this; a connection may say otherwise under `settings: {max_event_bytes: …, max_batch_bytes: …}`
MAX_EVENT_BYTES = 32 * 1024
MAX_BATCH_BYTES = 500 * 1024
SUFFIXES = (".jsonl", ".ndjson", ".json", ".gz")

EVENTS = Fields(
    table="events",
    key=("message_id",),
    fields=fields(
        message_id="text",
        type="text",
        user_id="text",
        anonymous_id="text",
        # the anonymous id of an event that names no user: what it belongs to when somebody is erased
        unnamed_id="text",
        previous_id="text",
        group_id="text",
        event="text",
        name="text",
        category="text",
        timestamp="timestamp",
        received_at="timestamp",
        email="text",
        phone="text",
        first_name="text",
        last_name="text",
        company="text",
        city="text",
        zip="text",
        country="text",
        locale="text",
        page_url="text",
        page_path="text",
        page_title="text",
        page_referrer="text",
        campaign_source="text",
        campaign_medium="text",
        campaign_name="text",
        traits="json",
        properties="json",
        products="json",
        file="text",
    ),
    latest="timestamp",
    asked_by_name=True,
)
