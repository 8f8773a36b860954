with contacts as (
    select * from {{ ref('stg_salesforce__contacts') }}
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

accounts as (
    select * from {{ ref('stg_salesforce__accounts') }}
),

country_names as (
    select * from {{ ref('country_names') }}
),

records as (
    select
        contacts.connection_id,
        'contact' as record_type,
        contacts.contact_id as record_id,
        contacts.email,
        contacts.mailbox,
        contacts.is_email_valid,
        contacts.phone,
        contacts.is_phone_valid,
        contacts.mobile_phone,
        contacts.is_mobile_phone_valid,
        contacts.first_name,
        contacts.last_name,
        accounts.account_name as company,
        contacts.city,
        contacts.zip,
        contacts.country,
        contacts.is_deleted,
        contacts.created_at,
        contacts.updated_at
    from contacts
    left join accounts on contacts.connection_id = accounts.connection_id and contacts.account_id = accounts.account_id
    union all
    -- a lead that was converted is its contact: nobody works with the lead any more, and its values are old
    select
        connection_id,
        'lead' as record_type,
        lead_id as record_id,
        email,
        mailbox,
        is_email_valid,
        phone,
        is_phone_valid,
        mobile_phone,
        is_mobile_phone_valid,
        first_name,
        last_name,
        company,
        city,
        zip,
        country,
        is_deleted or is_converted as is_deleted,
        created_at,
        updated_at
    from leads
),

people as (
    select
        records.connection_id,
        'salesforce' as source,
        records.record_type,
        records.record_id,
        records.email,
        records.mailbox,
        records.is_email_valid,
        coalesce(
            case when records.is_mobile_phone_valid then records.mobile_phone end,
            case when records.is_phone_valid then records.phone end
        ) as phone,
        records.first_name,
        records.last_name,
        records.company,
        records.city,
        records.zip,
        coalesce(
            case when length(records.country) = 2 then upper(records.country) end,
            country_names.country_code
        ) as country_code,
        cast(null as varchar) as language,
        records.is_deleted,
        true as has_own_name,
        records.created_at,
        records.updated_at
    from records
    left join country_names on lower(records.country) = country_names.country_name
)

select * from people
