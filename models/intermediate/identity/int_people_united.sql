{{ config(materialized='table') }}

with united as (
    {{ union_sources('people', ['hubspot', 'shopify', 'mailchimp', 'klaviyo', 'sendgrid', 'salesforce', 'segment', 'tables'], {
        'connection_id': 'varchar',
        'source': 'varchar',
        'record_type': 'varchar',
        'record_id': 'varchar',
        'email': 'varchar',
        'mailbox': 'varchar',
        'is_email_valid': 'boolean',
        'phone': 'varchar',
        'first_name': 'varchar',
        'last_name': 'varchar',
        'company': 'varchar',
        'city': 'varchar',
        'zip': 'varchar',
        'country_code': 'varchar',
        'language': 'varchar',
        'is_deleted': 'boolean',
        'has_own_name': 'boolean',
        'created_at': 'timestamp',
        'updated_at': 'timestamp',
    }) }}
),

keyed as (
    select
        {{ record_key('united') }} as record_key,
        united.*,
        case when united.has_own_name then {{ plain_name('united.first_name') }} end as given_key,
        case when united.has_own_name then {{ plain_name('united.last_name') }} end as surname_key
    from united
),

-- the number of a record is its age, so that the smallest number of a cluster is its earliest record
people as (
    select
        *,
        row_number() over (order by created_at asc nulls last, record_key asc) as record_number
    from keyed
)

select * from people
