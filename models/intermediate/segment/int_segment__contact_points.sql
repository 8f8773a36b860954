with users as (
    select * from {{ ref('int_segment__users') }}
),

contact_points as (
    {{ contact_points_of('users', 'record_type', 'record_id', [
        ('email', 'email', 'mailbox', 'coalesce(is_email_valid, false)'),
        ('phone', 'phone', 'phone', 'phone is not null'),
    ]) }}
)

select * from contact_points
