with members as (
    select * from {{ ref('stg_mailchimp__members') }}
),

contact_points as (
    select
        connection_id,
        'member' as record_type,
        list_id || ':' || member_id as record_id,
        'email' as kind,
        email as value,
        mailbox as wide_value,
        is_email_valid as is_valid
    from members
)

select * from contact_points
