with source as (
    select arrived.* from {{ source('hubspot', 'contacts') }} as arrived
    where {{ not_erased('arrived', 'contact', 'id', 'email') }}
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

addresses as (
    {{ split_to_rows('source', ['connection_id', 'id'], 'hs_additional_emails', ';') }}
),

additional_emails as (
    select distinct
        connection_id,
        cast(id as varchar) as contact_id,
        {{ contact_point('email', 'addresses.part') }} as email,
        {{ contact_point('email', 'addresses.part', form='wide') }} as mailbox,
        {{ contact_point_is_valid('email', 'addresses.part') }} as is_email_valid
    from addresses
    where trim(part) <> ''
)

select * from additional_emails
