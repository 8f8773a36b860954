with united as (
    {{ union_sources('links', ['hubspot', 'mailchimp', 'salesforce', 'segment'], {
        'connection_id': 'varchar',
        'record_type': 'varchar',
        'record_id': 'varchar',
        'root_type': 'varchar',
        'root_id': 'varchar',
    }) }}
),

people as (
    select * from {{ ref('int_people_united') }}
),

-- a vendor may name records that we have never seen: those join nobody
links as (
    select distinct
        records.record_number,
        roots.record_number as root_number
    from united
    inner join people as records on {{ record_key('united') }} = records.record_key
    inner join people as roots on {{ record_key('united', 'root_type', 'root_id') }} = roots.record_key
    where records.record_number <> roots.record_number
)

select * from links
