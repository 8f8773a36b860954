with source as (
    select arrived.* from {{ source('salesforce', 'cases') }} as arrived
    where {{ not_erased('arrived', 'contact', 'contact_id') }}
    {{ latest_version(['connection_id', 'id'], 'system_modstamp') }}
),

cases as (
    select
        connection_id,
        id as case_id,
        master_record_id as master_case_id,
        contact_id,
        account_id,
        case_number,
        status as case_status,
        priority,
        origin,
        coalesce(is_closed, false) as is_closed,
        {{ utc_timestamp('closed_date') }} as closed_at,
        {{ custom_properties('salesforce_cases') }}
        coalesce(is_deleted, false) or {{ is_removed('salesforce', 'cases', 'source') }} as is_deleted,
        {{ utc_timestamp('created_date') }} as created_at,
        {{ utc_timestamp('system_modstamp') }} as updated_at
    from source
)

select * from cases
