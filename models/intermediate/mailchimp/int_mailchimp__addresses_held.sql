with members as (
    select * from {{ ref('stg_mailchimp__members') }}
    where mailbox is not null
),

lists as (
    select * from {{ ref('stg_mailchimp__lists') }}
),

-- who is pending is mailed as soon as somebody clicks the link in the mail that asked
addresses_held as (
    select
        members.connection_id,
        'mailchimp' as source,
        members.list_id as container,
        coalesce(lists.list_name, '') as container_name,
        members.list_id || ':' || members.member_id as record_id,
        members.email_as_kept as address,
        members.mailbox,
        members.member_status in ('subscribed', 'pending') and not members.is_deleted as is_mailable,
        members.opted_in_at as agreed_at,
        members.updated_at
    from members
    left join lists on members.connection_id = lists.connection_id and members.list_id = lists.list_id
)

select * from addresses_held
