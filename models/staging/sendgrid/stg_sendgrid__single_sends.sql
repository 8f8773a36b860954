with source as (
    select * from {{ source('sendgrid', 'single_sends') }}
    {{ latest_version(['connection_id', 'id'], 'read_at') }}
),

single_sends as (
    select
        connection_id,
        id as single_send_id,
        name as single_send_name,
        lower(status) as send_status,
        requests as count_requested,
        delivered as count_delivered,
        opens as count_opens,
        unique_opens as count_openers,
        clicks as count_clicks,
        unique_clicks as count_clickers,
        bounces as count_bounced,
        spam_reports as count_complaints,
        unsubscribes as count_unsubscribed,
        {{ utc_timestamp('send_at') }} as sent_at,
        {{ utc_timestamp('read_at') }} as read_at
    from source
)

select * from single_sends
