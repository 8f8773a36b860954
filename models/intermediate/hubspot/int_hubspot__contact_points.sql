with contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

additional_emails as (
    select * from {{ ref('stg_hubspot__additional_emails') }}
),

contact_points as (
    {{ contact_points_of('contacts', "'contact'", 'contact_id', [
        ('email', 'email', 'mailbox', 'is_email_valid'),
        ('phone', 'phone', 'phone', 'is_phone_valid'),
        ('phone', 'mobile_phone', 'mobile_phone', 'is_mobile_phone_valid'),
    ]) }}
    union all
    {{ contact_points_of('additional_emails', "'contact'", 'contact_id', [('email', 'email', 'mailbox', 'is_email_valid')]) }}
)

select * from contact_points
