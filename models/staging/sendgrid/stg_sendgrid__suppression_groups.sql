with source as (
    select * from {{ source('sendgrid', 'groups') }}
    {{ latest_version(['connection_id', 'id'], 'read_at') }}
),

suppression_groups as (
    select
        connection_id,
        id as group_id,
        name as group_name,
        description as group_description,
        coalesce(is_default, false) as is_default,
        {{ utc_timestamp('read_at') }} as read_at
    from source
)

select * from suppression_groups
