with source as (
    select arrived.* from {{ source('mailchimp', 'sent_to') }} as arrived
    where {{ not_erased('arrived', 'member', 'email_id', 'email_address') }}
    {{ latest_version(['connection_id', 'campaign_id', 'email_id']) }}
),

deliveries as (
    select
        connection_id,
        campaign_id,
        list_id,
        email_id as member_id,
        {{ contact_point('email', 'source.email_address') }} as email,
        {{ contact_point('email', 'source.email_address', form='wide') }} as mailbox,
        lower(status) as delivery_status,
        cast(_dlt_load_id as double) as load_number
    from source
)

select * from deliveries
