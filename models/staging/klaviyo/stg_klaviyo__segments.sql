with source as (
    select * from {{ source('klaviyo', 'segments') }}
    {{ latest_version(['connection_id', 'id'], 'updated') }}
),

segments as (
    select
        connection_id,
        id as segment_id,
        name as segment_name,
        definition,
        coalesce(is_active, true) as is_active,
        {{ utc_timestamp('created') }} as created_at,
        {{ utc_timestamp('updated') }} as updated_at
    from source
)

select * from segments
