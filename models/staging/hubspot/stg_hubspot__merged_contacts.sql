with source as (
    select arrived.* from {{ source('hubspot', 'contacts') }} as arrived
    where {{ not_erased('arrived', 'contact', 'id', 'email') }}
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

merged as (
    {{ split_to_rows('source', ['connection_id', 'id'], 'hs_merged_object_ids', ';') }}
),

merged_contacts as (
    select distinct
        connection_id,
        cast(id as varchar) as contact_id,
        trim(part) as merged_contact_id
    from merged
    where trim(part) <> ''
)

select * from merged_contacts
