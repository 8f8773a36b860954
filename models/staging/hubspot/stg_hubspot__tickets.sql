with source as (
    select arrived.* from {{ source('hubspot', 'tickets') }} as arrived
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

tickets as (
    select
        connection_id,
        cast(id as varchar) as ticket_id,
        nullif(trim(hs_pipeline), '') as pipeline,
        nullif(trim(hs_pipeline_stage), '') as stage,
        lower(nullif(trim(hs_ticket_priority), '')) as priority,
        lower(nullif(trim(hs_ticket_category), '')) as category,
        coalesce(archived, false) as is_deleted,
        {{ utc_timestamp('closed_date') }} as closed_at,
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('updated_at') }} as updated_at
    from source
)

select * from tickets
