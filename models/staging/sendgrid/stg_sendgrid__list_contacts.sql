with source as (
    select arrived.* from {{ source('sendgrid', 'list_contacts') }} as arrived
    where {{ not_erased('arrived', 'contact', 'id') }}
    {{ latest_version(['connection_id', 'list_id', 'id'], 'read_at') }}
),

list_contacts as (
    select
        connection_id,
        list_id,
        id as contact_id,
        {{ is_removed('sendgrid', 'list_contacts', 'source', parent='list_id') }} as has_left,
        {{ utc_timestamp('read_at') }} as read_at
    from source
)

select * from list_contacts
