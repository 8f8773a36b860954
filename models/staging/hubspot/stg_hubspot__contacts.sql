with source as (
    select arrived.* from {{ source('hubspot', 'contacts') }} as arrived
    where {{ not_erased('arrived', 'contact', 'id', 'email') }}
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

contacts as (
    select
        connection_id,
        cast(id as varchar) as contact_id,
        {{ contact_point('email', 'source.email') }} as email,
        {{ contact_point('email', 'source.email', form='wide') }} as mailbox,
        nullif(trim(source.email), '') as email_as_kept,
        {{ contact_point('phone', 'source.phone', 'source.country') }} as phone,
        {{ contact_point('phone', 'source.mobilephone', 'source.country') }} as mobile_phone,
        nullif(trim(firstname), '') as first_name,
        nullif(trim(lastname), '') as last_name,
        nullif(trim(company), '') as company,
        nullif(trim(city), '') as city,
        nullif(trim(zip), '') as zip,
        nullif(trim(country), '') as country,
        lower(nullif(trim(hs_language), '')) as language,
        lifecyclestage as lifecycle_stage,
        {{ custom_properties('hubspot_contacts') }}
        {{ contact_point_is_valid('email', 'source.email') }} as is_email_valid,
        {{ contact_point_is_valid('phone', 'source.phone', 'source.country') }} as is_phone_valid,
        {{ contact_point_is_valid('phone', 'source.mobilephone', 'source.country') }} as is_mobile_phone_valid,
        coalesce(archived, false) as is_deleted,
        coalesce(hs_email_optout, false) as has_opted_out,
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('updated_at') }} as updated_at,
        {{ epoch_timestamp('_dlt_load_id') }} as loaded_at
    from source
)

select * from contacts
