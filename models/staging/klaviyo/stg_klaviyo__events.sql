with source as (
    select arrived.* from {{ source('klaviyo', 'events') }} as arrived
    where {{ not_erased('arrived', 'profile', 'profile_id', 'recipient') }}
    {{ latest_version(['connection_id', 'id']) }}
),

events as (
    select
        connection_id,
        id as event_id,
        metric_id,
        profile_id,
        nullif(message_id, '') as message_id,
        nullif(flow_id, '') as flow_id,
        {{ contact_point('email', 'source.recipient') }} as email,
        {{ contact_point('email', 'source.recipient', form='wide') }} as mailbox,
        nullif(trim(campaign_name), '') as campaign_name,
        nullif(trim(subject), '') as subject,
        nullif(url, '') as url,
        lower(nullif(trim(bounce_type), '')) as bounce_type,
        lower(nullif(trim(method), '')) as method,
        cast(_dlt_load_id as double) as load_number,
        {{ utc_timestamp('occurred_at') }} as occurred_at
    from source
)

select * from events
