with merged_contacts as (
    select * from {{ ref('stg_hubspot__merged_contacts') }}
),

links as (
    select
        connection_id,
        'contact' as record_type,
        merged_contact_id as record_id,
        'contact' as root_type,
        contact_id as root_id
    from merged_contacts
)

select * from links
