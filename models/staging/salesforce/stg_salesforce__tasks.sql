with source as (
    select arrived.* from {{ source('salesforce', 'tasks') }} as arrived
    where
        {{ not_erased('arrived', 'contact', 'who_id') }}
        and {{ not_erased('arrived', 'lead', 'who_id') }}
    {{ latest_version(['connection_id', 'id'], 'system_modstamp') }}
),

tasks as (
    select
        connection_id,
        id as task_id,
        who_id as person_id,
        what_id as about_id,
        account_id,
        status as task_status,
        priority,
        task_subtype,
        cast(activity_date as date) as due_on,
        coalesce(is_closed, false) as is_closed,
        {{ custom_properties('salesforce_tasks') }}
        coalesce(is_deleted, false) or {{ is_removed('salesforce', 'tasks', 'source') }} as is_deleted,
        {{ utc_timestamp('created_date') }} as created_at,
        {{ utc_timestamp('system_modstamp') }} as updated_at
    from source
)

select * from tasks
