with source as (
    select arrived.* from {{ source('shopify', 'customers') }} as arrived
    where {{ not_erased('arrived', 'customer', 'id', 'email') }}
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

customers as (
    select
        connection_id,
        cast(id as varchar) as shop_customer_id,
        {{ contact_point('email', 'source.email') }} as email,
        {{ contact_point('email', 'source.email', form='wide') }} as mailbox,
        nullif(trim(source.email), '') as email_as_kept,
        {{ contact_point('phone', 'source.phone', 'source.country_code') }} as phone,
        nullif(trim(first_name), '') as first_name,
        nullif(trim(last_name), '') as last_name,
        nullif(trim(address_line), '') as address_line,
        nullif(trim(city), '') as city,
        nullif(trim(zip), '') as zip,
        upper(nullif(trim(country_code), '')) as country_code,
        lower(nullif(trim(locale), '')) as language,
        lower(state) as account_state,
        tags,
        upper(email_marketing_state) as email_marketing_state,
        upper(email_marketing_opt_in_level) as email_marketing_opt_in_level,
        {{ custom_properties('shopify_customers') }}
        {{ contact_point_is_valid('email', 'source.email') }} as is_email_valid,
        {{ contact_point_is_valid('phone', 'source.phone', 'source.country_code') }} as is_phone_valid,
        {{ is_removed('shopify', 'customers', 'source') }} as is_deleted,
        {{ utc_timestamp('email_marketing_consent_updated_at') }} as email_marketing_consent_updated_at,
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('updated_at') }} as updated_at,
        {{ epoch_timestamp('_dlt_load_id') }} as loaded_at
    from source
)

select * from customers
