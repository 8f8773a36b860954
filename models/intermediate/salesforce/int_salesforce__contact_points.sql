{%- set records = {'contact': 'contacts', 'lead': 'leads'} -%}
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
    {%- for record, relation in records.items() %}
    {%- set last_record = loop.last %}
    {%- for kind, value, wide, valid in points %}
    select
        connection_id,
        '{{ record }}' as record_type,
        {{ record }}_id as record_id,
        '{{ kind }}' as kind,
        {{ value }} as value,
        {{ wide }} as wide_value,
        {{ valid }} as is_valid
    from {{ relation }}
    {% if not (loop.last and last_record) %}union all{% endif %}
    {%- endfor %}
    {%- endfor %}
)

select * from contact_points
