with contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

additional_emails as (
    select * from {{ ref('stg_hubspot__additional_emails') }}
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
    union all
    select
        connection_id,
        'contact' as record_type,
        contact_id as record_id,
        'email' as kind,
        email as value,
        mailbox as wide_value,
        is_email_valid as is_valid
    from additional_emails
    union all
    select
        connection_id,
        'contact' as record_type,
        contact_id as record_id,
        'phone' as kind,
        phone as value,
        phone as wide_value,
        is_phone_valid as is_valid
    from contacts
    union all
    select
        connection_id,
        'contact' as record_type,
        contact_id as record_id,
        'phone' as kind,
        mobile_phone as value,
        mobile_phone as wide_value,
        is_mobile_phone_valid as is_valid
    from contacts
)

select * from contact_points
