with source as (
    select arrived.* from {{ source('sendgrid', 'removed') }} as arrived
    where {{ not_erased('arrived', 'contact', 'id') }}
    {{ latest_version(['connection_id', 'resource', 'parent_id', 'id'], 'noticed_at') }}
),

removed_contacts as (
    select
        connection_id,
        id as contact_id,
        {{ utc_timestamp('noticed_at') }} as noticed_at
    from source
    where resource = 'contacts'
)

select * from removed_contacts
