with people as (
    select * from {{ ref('int_shopify__people') }}
),

contact_points as (
    {{ contact_points_of('people', 'record_type', 'record_id', [
        ('email', 'email', 'mailbox', 'is_email_valid'),
        ('phone', 'phone', 'phone', 'phone is not null'),
    ]) }}
)

select * from contact_points
