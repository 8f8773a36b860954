with contacts as (
    select * from {{ ref('stg_sendgrid__contacts') }}
),

contact_points as (
    {{ contact_points_of('contacts', "'contact'", 'contact_id', [('email', 'email', 'mailbox', 'is_email_valid')]) }}
)

select * from contact_points
