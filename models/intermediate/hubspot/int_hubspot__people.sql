with contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

country_names as (
    select * from {{ ref('country_names') }}
),

-- a contact with nothing but an address may be one that the sync made: it says of nobody who they are
described as (
    select
        *,
        coalesce(first_name, last_name, phone, mobile_phone, company, city, zip) is not null as has_own_name
    from contacts
),

people as (
    select
        described.connection_id,
        'hubspot' as source,
        'contact' as record_type,
        described.contact_id as record_id,
        described.email,
        described.mailbox,
        described.is_email_valid,
        coalesce(
            case when described.is_mobile_phone_valid then described.mobile_phone end,
            case when described.is_phone_valid then described.phone end
        ) as phone,
        described.first_name,
        described.last_name,
        described.company,
        described.city,
        described.zip,
        coalesce(
            case when length(described.country) = 2 then upper(described.country) end,
            country_names.country_code
        ) as country_code,
        described.language,
        described.is_deleted,
        described.has_own_name,
        described.created_at,
        -- the sync's own writing is a change to HubSpot, so that the last one says nothing of how recent a value is
        case when described.has_own_name then described.created_at end as updated_at
    from described
    left join country_names on lower(described.country) = country_names.country_name
)

select * from people
