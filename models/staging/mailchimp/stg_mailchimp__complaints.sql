with source as (
    select arrived.* from {{ source('mailchimp', 'abuse_reports') }} as arrived
    where {{ not_erased('arrived', 'member', 'email_id', 'email_address') }}
    {{ latest_version(['connection_id', 'list_id', 'id']) }}
),

complaints as (
    select
        connection_id,
        cast(id as varchar) as complaint_id,
        list_id,
        campaign_id,
        email_id as member_id,
        {{ contact_point('email', 'source.email_address') }} as email,
        {{ contact_point('email', 'source.email_address', form='wide') }} as mailbox,
        cast(_dlt_load_id as double) as load_number,
        {{ utc_timestamp('reported_at') }} as complained_at
    from source
)

select * from complaints
