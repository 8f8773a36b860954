with source as (
    select * from {{ source('klaviyo', 'lists') }}
    {{ latest_version(['connection_id', 'id'], 'updated') }}
),

lists as (
    select
        connection_id,
        id as list_id,
        name as list_name,
        coalesce(opt_in_process = 'double_opt_in', false) as has_double_opt_in,
        {{ is_removed('klaviyo', 'lists', 'source') }} as is_deleted,
        {{ utc_timestamp('created') }} as created_at,
        {{ utc_timestamp('updated') }} as updated_at
    from source
)

select * from lists
