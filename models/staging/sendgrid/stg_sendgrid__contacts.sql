with source as (
    select arrived.* from {{ source('sendgrid', 'contacts') }} as arrived
    where {{ not_erased('arrived', 'contact', 'id', 'email') }}
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

contacts as (
    select
        connection_id,
        id as contact_id,
        nullif(trim(external_id), '') as external_id,
        {{ contact_point('email', 'source.email') }} as email,
        {{ contact_point('email', 'source.email', form='wide') }} as mailbox,
        nullif(trim(source.email), '') as email_as_kept,
        nullif(trim(first_name), '') as first_name,
        nullif(trim(last_name), '') as last_name,
        nullif(trim(city), '') as city,
        nullif(trim(postal_code), '') as zip,
        nullif(trim(country), '') as country,
        {{ custom_properties('sendgrid_contacts') }}
        cast(_dlt_load_id as double) as load_number,
        {{ contact_point_is_valid('email', 'source.email') }} as is_email_valid,
        {{ is_removed('sendgrid', 'contacts', 'source') }} as is_deleted,
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('updated_at') }} as updated_at
    from source
)

select * from contacts
