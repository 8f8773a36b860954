with source as (
    select arrived.* from {{ source('salesforce', 'accounts') }} as arrived
    {{ latest_version(['connection_id', 'id'], 'system_modstamp') }}
),

accounts as (
    select
        connection_id,
        id as account_id,
        master_record_id as master_account_id,
        parent_id as parent_account_id,
        nullif(trim(name), '') as account_name,
        type as account_type,
        industry,
        website,
        nullif(trim(billing_city), '') as city,
        nullif(trim(billing_postal_code), '') as zip,
        nullif(trim(billing_country), '') as country,
        number_of_employees,
        cast(annual_revenue as decimal(18, 4)) as annual_revenue,
        {{ custom_properties('salesforce_accounts') }}
        coalesce(is_deleted, false) or {{ is_removed('salesforce', 'accounts', 'source') }} as is_deleted,
        {{ utc_timestamp('created_date') }} as created_at,
        {{ utc_timestamp('system_modstamp') }} as updated_at
    from source
)

select * from accounts
