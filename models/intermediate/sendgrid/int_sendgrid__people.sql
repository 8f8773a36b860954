with contacts as (
    select * from {{ ref('stg_sendgrid__contacts') }}
),

country_names as (
    select * from {{ ref('country_names') }}
),

people as (
    select
        contacts.connection_id,
        'sendgrid' as source,
        'contact' as record_type,
        contacts.contact_id as record_id,
        contacts.email,
        contacts.mailbox,
        contacts.is_email_valid,
        cast(null as varchar) as phone,
        contacts.first_name,
        contacts.last_name,
        cast(null as varchar) as company,
        contacts.city,
        contacts.zip,
        coalesce(
            case when length(contacts.country) = 2 then upper(contacts.country) end,
            country_names.country_code
        ) as country_code,
        cast(null as varchar) as language,
        contacts.is_deleted,
        -- what we wrote comes back with the next landing: a name here may be our own word and is no evidence of who is who
        false as has_own_name,
        contacts.created_at,
        contacts.updated_at
    from contacts
    left join country_names on lower(contacts.country) = country_names.country_name
)

select * from people
