{{ config(enabled=own_tables() | length > 0) }}

with people as (
    select * from {{ ref('int_tables__people') }}
),

contact_points as (
    {{ contact_points_of('people', 'record_type', 'record_id', [
        ('email', 'email', 'mailbox', 'is_email_valid'),
        ('phone', 'phone', 'phone', 'phone is not null'),
    ]) }}
)

select * from contact_points
