with members as (
    select * from {{ ref('stg_mailchimp__members') }}
    where contact_id is not null
),

-- contact_id stays when a member's address changes, and with it the member's id
links as (
    select
        connection_id,
        'member' as record_type,
        list_id || ':' || member_id as record_id,
        'member' as root_type,
        list_id || ':' || min(member_id) over (partition by connection_id, list_id, contact_id) as root_id
    from members
)

select * from links
where record_id <> root_id
