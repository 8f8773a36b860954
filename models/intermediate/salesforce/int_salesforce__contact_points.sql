{%- set points = [
    ('email', 'email', 'mailbox', 'is_email_valid'),
    ('phone', 'phone', 'phone', 'is_phone_valid'),
    ('phone', 'mobile_phone', 'mobile_phone', 'is_mobile_phone_valid'),
] -%}
with contacts as (
    select * from {{ ref('stg_salesforce__contacts') }}
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

contact_points as (
    {{ contact_points_of('contacts', "'contact'", 'contact_id', points) }}
    union all
    {{ contact_points_of('leads', "'lead'", 'lead_id', points) }}
)

select * from contact_points
