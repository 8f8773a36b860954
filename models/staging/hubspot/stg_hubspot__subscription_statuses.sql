with source as (
    select arrived.* from {{ source('hubspot', 'subscription_statuses') }} as arrived
    where {{ not_erased('arrived', 'contact', 'contact_id', 'subscriber') }}
    {{ latest_version(['connection_id', 'subscriber', 'subscription_id'], 'decided_at') }}
),

subscription_statuses as (
    select
        connection_id,
        cast(contact_id as varchar) as contact_id,
        {{ contact_point('email', 'source.subscriber') }} as email,
        {{ contact_point('email', 'source.subscriber', form='wide') }} as mailbox,
        nullif(trim(source.subscriber), '') as email_as_kept,
        cast(subscription_id as varchar) as subscription_id,
        nullif(trim(subscription_name), '') as subscription_name,
        lower(status) as status,
        lower(nullif(trim(source.legal_basis), '')) as legal_basis,
        {{ utc_timestamp('decided_at') }} as decided_at,
        {{ epoch_timestamp('_dlt_load_id') }} as loaded_at
    from source
)

select * from subscription_statuses
