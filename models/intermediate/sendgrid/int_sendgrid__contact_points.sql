with contacts as (
    select * from {{ ref('stg_sendgrid__contacts') }}
),

contact_points as (
    select
        connection_id,
        'contact' as record_type,
        contact_id as record_id,
        'email' as kind,
        email as value,
        mailbox as wide_value,
        is_email_valid as is_valid
    from contacts
)

select * from contact_points
