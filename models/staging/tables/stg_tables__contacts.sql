{{ config(enabled=own_tables() | length > 0) }}

with arrived as (
    {{ own_table('contacts', [
        'id', 'origin', 'email', 'phone', 'first_name', 'last_name', 'company', 'city', 'zip', 'country', 'language',
        'created_at', 'updated_at',
    ], {'kind': 'own_contact', 'id': 'id', 'email': 'email'}) }}
),

source as (
    select * from arrived
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

contacts as (
    select
        connection_id,
        source,
        id as own_contact_id,
        {{ contact_point('email', 'source.email') }} as email,
        {{ contact_point('email', 'source.email', form='wide') }} as mailbox,
        nullif(trim(source.email), '') as email_as_kept,
        {{ contact_point('phone', 'source.phone') }} as phone,
        nullif(trim(first_name), '') as first_name,
        nullif(trim(last_name), '') as last_name,
        nullif(trim(company), '') as company,
        nullif(trim(city), '') as city,
        nullif(trim(zip), '') as zip,
        nullif(trim(country), '') as country,
        lower(nullif(trim(language), '')) as language,
        {{ contact_point_is_valid('email', 'source.email') }} as is_email_valid,
        {{ contact_point_is_valid('phone', 'source.phone') }} as is_phone_valid,
        is_removed as is_deleted,
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('coalesce(updated_at, created_at)') }} as updated_at
    from source
)

select * from contacts
