with source as (
    select arrived.* from {{ source('mailchimp', 'email_activity') }} as arrived
    where {{ not_erased('arrived', 'member', 'email_id') }}
    {{ latest_version(['connection_id', 'campaign_id', 'email_id', 'action', 'occurred_at', 'url']) }}
),

email_activities as (
    select
        connection_id,
        campaign_id,
        email_id as member_id,
        lower(action) as action,
        lower(nullif(type, '')) as bounce_type,
        nullif(url, '') as url,
        cast(_dlt_load_id as double) as load_number,
        {{ utc_timestamp('occurred_at') }} as occurred_at
    from source
)

select * from email_activities
