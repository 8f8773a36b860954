with source as (
    select arrived.* from {{ source('klaviyo', 'profiles') }} as arrived
    where {{ not_erased('arrived', 'profile', 'id', 'email') }}
    {{ latest_version(['connection_id', 'id'], 'updated') }}
),

profiles as (
    select
        connection_id,
        id as profile_id,
        nullif(trim(external_id), '') as external_id,
        {{ contact_point('email', 'source.email') }} as email,
        {{ contact_point('email', 'source.email', form='wide') }} as mailbox,
        nullif(trim(source.email), '') as email_as_kept,
        {{ contact_point('phone', 'source.phone_number') }} as phone,
        nullif(trim(first_name), '') as first_name,
        nullif(trim(last_name), '') as last_name,
        nullif(trim(organization), '') as company,
        nullif(trim(city), '') as city,
        nullif(trim(zip), '') as zip,
        nullif(trim(country), '') as country,
        lower(nullif(trim(locale), '')) as language,
        lower(nullif(trim(consent), '')) as consent_state,
        lower(nullif(trim(consent_method), '')) as consent_method,
        {{ custom_properties('klaviyo_profiles') }}
        cast(_dlt_load_id as double) as load_number,
        {{ contact_point_is_valid('email', 'source.email') }} as is_email_valid,
        {{ contact_point_is_valid('phone', 'source.phone_number') }} as is_phone_valid,
        coalesce(double_optin, false) as has_double_opt_in,
        coalesce(can_receive_email_marketing, true) as can_receive_marketing,
        {{ is_removed('klaviyo', 'profiles', 'source') }} as is_deleted,
        {{ utc_timestamp('consent_timestamp') }} as consented_at,
        {{ utc_timestamp('created') }} as created_at,
        {{ utc_timestamp('updated') }} as updated_at
    from source
)

select * from profiles
