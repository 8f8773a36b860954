"""Mailchimp's constants: page size, limits, and the fields of each table."""

from ingestion.fields import Fields, fields, paths
from ingestion.pace import Rate

ROOT = "/3.0"
PAGE = 1_000
RATE = Rate(calls=20, seconds=1)  # no rate is published; ten connections are allowed and we read through one
LAG_SECONDS = 300
REPORT_DAYS = 30  # a campaign's reports are read until it is this old, and once after; `settings: {report_days: …}`
VERIFIED_REMOVALS = 100  # of a list's missing members so many are asked for by name before all are believed gone
LINKS = "_links"

LISTS = Fields(
    table="lists",
    key=("id",),
    fields=fields(
        id="text",
        name="text",
        date_created="timestamp",
        double_optin="boolean",
        member_count="integer stats.member_count",
        unsubscribe_count="integer stats.unsubscribe_count",
        cleaned_count="integer stats.cleaned_count",
    ),
    ignored=paths(
        """
        web_id contact permission_reminder use_archive_bar campaign_defaults notify_on_subscribe notify_on_unsubscribe
        list_rating email_type_option subscribe_url_short subscribe_url_long beamer_address visibility has_welcome
        marketing_permissions modules _links stats.total_contacts stats.member_count_since_send
        stats.unsubscribe_count_since_send stats.cleaned_count_since_send stats.campaign_count stats.campaign_last_sent
        stats.merge_field_count stats.avg_sub_rate stats.avg_unsub_rate stats.target_sub_rate stats.open_rate
        stats.click_rate stats.last_sub_date stats.last_unsub_date
        """
    ),
)
MEMBERS = Fields(
    table="members",
    key=("list_id", "id"),
    fields=fields(
        list_id="text",
        id="text",
        contact_id="text",
        email_address="text",
        status="text",
        unsubscribe_reason="text",
        full_name="text",
        merge_fields="json",
        tags="json",
        timestamp_signup="timestamp",
        timestamp_opt="timestamp",
        ip_signup="text",
        ip_opt="text",
        last_changed="timestamp",
        language="text",
        vip="boolean",
        source="text",
        country_code="text location.country_code",
    ),
    latest="last_changed",
    ignored=paths(
        """
        unique_email_id web_id email_type consents_to_one_to_one_messaging sms_phone_number sms_subscription_status
        sms_subscription_last_updated interests stats member_rating email_client marketing_permissions last_note
        tags_count _links location.latitude location.longitude location.gmtoff location.dstoff location.timezone
        location.region
        """
    ),
)
CAMPAIGNS = Fields(
    table="campaigns",
    key=("id",),
    fields=fields(
        id="text",
        list_id="text recipients.list_id",
        type="text",
        status="text",
        create_time="timestamp",
        send_time="timestamp",
        title="text settings.title",
        subject_line="text settings.subject_line",
        emails_sent="integer",
    ),
    ignored=paths(
        """
        web_id parent_campaign_id archive_url long_archive_url content_type needs_block_refresh resendable
        has_logo_merge_tag variate_settings tracking rss_opts ab_split_opts social_card report_summary delivery_status
        _links resend_shortcut_eligibility resend_shortcut_usage recipients.list_is_active recipients.list_name
        recipients.segment_text recipients.recipient_count recipients.segment_opts settings.preview_text
        settings.from_name settings.reply_to settings.use_conversation settings.to_name settings.folder_id
        settings.authenticate settings.auto_footer settings.inline_css settings.auto_tweet settings.auto_fb_post
        settings.fb_comments settings.timewarp settings.template_id settings.drag_and_drop
        """
    ),
)
SENT_TO = Fields(
    table="sent_to",
    key=("campaign_id", "email_id"),
    fields=fields(campaign_id="text", email_id="text", email_address="text", list_id="text", status="text", open_count="integer"),
    ignored=paths(
        """
        merge_fields vip last_open absplit_group gmt_offset list_is_active _links
        """
    ),
)
EMAIL_ACTIVITY = Fields(
    table="email_activity",
    key=("campaign_id", "email_id", "action", "occurred_at", "url"),
    fields=fields(campaign_id="text", email_id="text", action="text", occurred_at="timestamp timestamp", url="text", type="text"),
    ignored=frozenset({"ip"}),
)
UNSUBSCRIBES = Fields(
    table="unsubscribes",
    key=("campaign_id", "email_id"),
    fields=fields(
        campaign_id="text",
        email_id="text",
        list_id="text",
        email_address="text",
        reason="text",
        occurred_at="timestamp timestamp",
    ),
    latest="occurred_at",
    ignored=paths(
        """
        merge_fields vip list_is_active _links
        """
    ),
)
ABUSE_REPORTS = Fields(
    table="abuse_reports",
    key=("list_id", "id"),
    fields=fields(
        list_id="text", id="text", campaign_id="text", email_id="text", email_address="text", reported_at="timestamp date"
    ),
    ignored=paths(
        """
        merge_fields vip _links
        """
    ),
)
INTEREST_CATEGORIES = Fields(
    table="interest_categories",
    key=("list_id", "id"),
    fields=fields(list_id="text", id="text", title="text", type="text"),
    ignored=paths("display_order _links"),
)
INTERESTS = Fields(
    table="interests",
    key=("list_id", "id"),
    fields=fields(list_id="text", id="text", category_id="text", name="text"),
    ignored=paths("subscriber_count display_order _links"),
)
MEMBER_INTERESTS = Fields(
    table="member_interests",
    key=("list_id", "id", "interest_id"),
    fields=fields(list_id="text", id="text", interest_id="text", is_chosen="boolean", last_changed="timestamp"),
    latest="last_changed",
    asked_by_name=True,
)
AUTOMATIONS = Fields(
    table="automations",
    key=("id",),
    fields=fields(
        id="text",
        list_id="text recipients.list_id",
        title="text settings.title",
        status="text",
        workflow_type="text trigger_settings.workflow_type",
        emails_sent="integer",
        create_time="timestamp",
        start_time="timestamp",
    ),
    ignored=paths(
        """
        tracking report_summary _links recipients.list_is_active recipients.list_name recipients.segment_opts
        recipients.store_id settings.use_conversation settings.to_name settings.from_name settings.reply_to
        settings.authenticate settings.auto_footer settings.inline_css trigger_settings.workflow_title
        trigger_settings.runtime trigger_settings.workflow_emails_count trigger_settings.tags
        """
    ),
)
