{{ config(materialized='table') }}

with united as (
    {{ union_sources('contact_points', ['hubspot', 'shopify', 'mailchimp', 'klaviyo', 'sendgrid', 'salesforce', 'segment', 'tables'], {
        'connection_id': 'varchar',
        'record_type': 'varchar',
        'record_id': 'varchar',
        'kind': 'varchar',
        'value': 'varchar',
        'wide_value': 'varchar',
        'is_valid': 'boolean',
    }) }}
),

contact_points as (
    select distinct
        {{ record_key('united') }} as record_key,
        united.kind,
        united.value,
        united.wide_value,
        united.is_valid
    from united
    where united.value is not null
)

select * from contact_points
