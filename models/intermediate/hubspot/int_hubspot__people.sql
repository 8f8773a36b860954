with contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

country_names as (
    select * from {{ ref('country_names') }}
),

people as (
    select
        contacts.connection_id,
        'hubspot' as source,
        'contact' as record_type,
        contacts.contact_id as record_id,
        contacts.email,
        contacts.mailbox,
        contacts.is_email_valid,
        coalesce(
            case when contacts.is_mobile_phone_valid then contacts.mobile_phone end,
            case when contacts.is_phone_valid then contacts.phone end
        ) as phone,
        contacts.first_name,
        contacts.last_name,
        contacts.company,
        contacts.city,
        contacts.zip,
        coalesce(
            case when length(contacts.country) = 2 then upper(contacts.country) end,
            country_names.country_code
        ) as country_code,
        contacts.language,
        contacts.is_deleted,
        -- a contact with nothing but an address may be one that the sync made: it says of nobody who they are
        coalesce(
            contacts.first_name, contacts.last_name, contacts.phone, contacts.mobile_phone, contacts.company,
            contacts.city, contacts.zip
        ) is not null as has_own_name,
        contacts.created_at,
        -- the sync's own writing is a change to HubSpot, so that the last one says nothing of how recent a value is
        contacts.created_at as updated_at
    from contacts
    left join country_names on lower(contacts.country) = country_names.country_name
)

select * from people
