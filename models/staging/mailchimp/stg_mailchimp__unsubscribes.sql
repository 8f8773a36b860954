with source as (
    select arrived.* from {{ source('mailchimp', 'unsubscribes') }} as arrived
    where {{ not_erased('arrived', 'member', 'email_id', 'email_address') }}
    {{ latest_version(['connection_id', 'campaign_id', 'email_id']) }}
),

unsubscribes as (
    select
        connection_id,
        campaign_id,
        list_id,
        email_id as member_id,
        {{ contact_point('email', 'source.email_address') }} as email,
        {{ contact_point('email', 'source.email_address', form='wide') }} as mailbox,
        lower(nullif(trim(reason), '')) as unsubscribe_reason,
        cast(_dlt_load_id as double) as load_number,
        {{ utc_timestamp('occurred_at') }} as unsubscribed_at
    from source
)

select * from unsubscribes
