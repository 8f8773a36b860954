with source as (
    select * from {{ source('sendgrid', 'lists') }}
    {{ latest_version(['connection_id', 'id'], 'read_at') }}
),

lists as (
    select
        connection_id,
        id as list_id,
        name as list_name,
        contact_count as count_contacts,
        {{ is_removed('sendgrid', 'lists', 'source') }} as is_deleted,
        {{ utc_timestamp('read_at') }} as read_at
    from source
)

select * from lists
