with source as (
    select arrived.* from {{ source('salesforce', 'leads') }} as arrived
    where {{ not_erased('arrived', 'lead', 'id', 'email') }}
    {{ latest_version(['connection_id', 'id'], 'system_modstamp') }}
),

leads as (
    select
        connection_id,
        id as lead_id,
        master_record_id as master_lead_id,
        converted_contact_id as contact_id,
        converted_account_id as account_id,
        converted_opportunity_id as opportunity_id,
        {{ contact_point('email', 'source.email') }} as email,
        {{ contact_point('email', 'source.email', form='wide') }} as mailbox,
        nullif(trim(source.email), '') as email_as_kept,
        {{ contact_point('phone', 'source.phone', 'source.country') }} as phone,
        {{ contact_point('phone', 'source.mobile_phone', 'source.country') }} as mobile_phone,
        nullif(trim(first_name), '') as first_name,
        nullif(trim(last_name), '') as last_name,
        nullif(trim(title), '') as job_title,
        -- Salesforce wants an employer of every lead, and people type this where there is none
        nullif(nullif(trim(company), ''), '[not provided]') as company,
        nullif(trim(city), '') as city,
        nullif(trim(postal_code), '') as zip,
        nullif(trim(country), '') as country,
        status as lead_status,
        lead_source,
        {{ custom_properties('salesforce_leads') }}
        {{ contact_point_is_valid('email', 'source.email') }} as is_email_valid,
        {{ contact_point_is_valid('phone', 'source.phone', 'source.country') }} as is_phone_valid,
        {{ contact_point_is_valid('phone', 'source.mobile_phone', 'source.country') }} as is_mobile_phone_valid,
        coalesce(has_opted_out_of_email, false) as has_opted_out,
        coalesce(is_converted, false) as is_converted,
        coalesce(is_deleted, false) or {{ is_removed('salesforce', 'leads', 'source') }} as is_deleted,
        cast(converted_date as date) as converted_on,
        {{ utc_timestamp('email_bounced_date') }} as bounced_at,
        {{ utc_timestamp('created_date') }} as created_at,
        {{ utc_timestamp('system_modstamp') }} as updated_at
    from source
)

select * from leads
