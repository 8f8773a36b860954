{{ config(enabled=own_tables() | length > 0) }}

with people as (
    select * from {{ ref('int_tables__people') }}
),

contact_points as (
    select
        connection_id,
        record_type,
        record_id,
        'email' as kind,
        email as value,
        mailbox as wide_value,
        is_email_valid as is_valid
    from people
    union all
    select
        connection_id,
        record_type,
        record_id,
        'phone' as kind,
        phone as value,
        phone as wide_value,
        phone is not null as is_valid
    from people
)

select * from contact_points
