with source as (
    select arrived.* from {{ source('klaviyo', 'list_members') }} as arrived
    where {{ not_erased('arrived', 'profile', 'id') }}
    {{ latest_version(['connection_id', 'list_id', 'id'], 'joined_group_at') }}
),

list_members as (
    select
        connection_id,
        list_id,
        id as profile_id,
        {{ is_removed('klaviyo', 'list_members', 'source', parent='list_id') }} as has_left,
        {{ utc_timestamp('joined_group_at') }} as joined_at
    from source
)

select * from list_members
