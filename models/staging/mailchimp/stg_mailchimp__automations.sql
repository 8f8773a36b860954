with source as (
    select * from {{ source('mailchimp', 'automations') }}
    {{ latest_version(['connection_id', 'id']) }}
),

automations as (
    select
        connection_id,
        id as automation_id,
        list_id,
        title as automation_title,
        lower(status) as automation_status,
        workflow_type as trigger_type,
        emails_sent,
        coalesce(lower(status) = 'sending', false) as is_running,
        {{ utc_timestamp('start_time') }} as started_at,
        {{ utc_timestamp('create_time') }} as created_at
    from source
)

select * from automations
