with source as (
    select arrived.* from {{ source('hubspot', 'email_events') }} as arrived
    where {{ not_erased('arrived', 'email_event', 'id', 'recipient') }}
    {{ latest_version(['connection_id', 'id'], 'occurred_at') }}
),

email_events as (
    select
        connection_id,
        cast(id as varchar) as event_id,
        {{ contact_point('email', 'source.recipient') }} as email,
        {{ contact_point('email', 'source.recipient', form='wide') }} as mailbox,
        lower(type) as event_type,
        nullif(email_campaign_id, '') as campaign_id,
        nullif(url, '') as url,
        cast(_dlt_load_id as double) as load_number,
        {{ utc_timestamp('occurred_at') }} as occurred_at
    from source
)

select * from email_events
