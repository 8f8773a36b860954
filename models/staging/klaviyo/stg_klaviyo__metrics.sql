with source as (
    select * from {{ source('klaviyo', 'metrics') }}
    {{ latest_version(['connection_id', 'id'], 'updated') }}
),

metrics as (
    select
        connection_id,
        id as metric_id,
        name as metric_name,
        integration_name,
        {{ utc_timestamp('created') }} as created_at,
        {{ utc_timestamp('updated') }} as updated_at
    from source
)

select * from metrics
