with users as (
    select * from {{ ref('int_segment__users') }}
),

contact_points as (
    select
        connection_id,
        record_type,
        record_id,
        'email' as kind,
        email as value,
        mailbox as wide_value,
        coalesce(is_email_valid, false) as is_valid
    from users
    union all
    select
        connection_id,
        record_type,
        record_id,
        'phone' as kind,
        phone as value,
        phone as wide_value,
        phone is not null as is_valid
    from users
)

select * from contact_points
