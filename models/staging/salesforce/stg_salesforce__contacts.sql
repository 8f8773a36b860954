with source as (
    select arrived.* from {{ source('salesforce', 'contacts') }} as arrived
    where {{ not_erased('arrived', 'contact', 'id', 'email') }}
    {{ latest_version(['connection_id', 'id'], 'system_modstamp') }}
),

contacts as (
    select
        connection_id,
        id as contact_id,
        account_id,
        master_record_id as master_contact_id,
        {{ contact_point('email', 'source.email') }} as email,
        {{ contact_point('email', 'source.email', form='wide') }} as mailbox,
        nullif(trim(source.email), '') as email_as_kept,
        {{ contact_point('phone', 'source.phone', 'source.mailing_country') }} as phone,
        {{ contact_point('phone', 'source.mobile_phone', 'source.mailing_country') }} as mobile_phone,
        nullif(trim(first_name), '') as first_name,
        nullif(trim(last_name), '') as last_name,
        nullif(trim(title), '') as job_title,
        nullif(trim(mailing_city), '') as city,
        nullif(trim(mailing_postal_code), '') as zip,
        nullif(trim(mailing_country), '') as country,
        lead_source,
        {{ custom_properties('salesforce_contacts') }}
        {{ contact_point_is_valid('email', 'source.email') }} as is_email_valid,
        {{ contact_point_is_valid('phone', 'source.phone', 'source.mailing_country') }} as is_phone_valid,
        {{ contact_point_is_valid('phone', 'source.mobile_phone', 'source.mailing_country') }} as is_mobile_phone_valid,
        coalesce(has_opted_out_of_email, false) as has_opted_out,
        coalesce(is_deleted, false) or {{ is_removed('salesforce', 'contacts', 'source') }} as is_deleted,
        {{ utc_timestamp('email_bounced_date') }} as bounced_at,
        {{ utc_timestamp('created_date') }} as created_at,
        {{ utc_timestamp('system_modstamp') }} as updated_at
    from source
)

select * from contacts
