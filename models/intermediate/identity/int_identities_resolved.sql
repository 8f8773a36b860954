{{ config(materialized='table') }}

with people as (
    select * from {{ ref('int_people_united') }}
),

edges as (
    select * from {{ ref('int_identity_edges_guarded') }}
),

reached as {{ materialized() }} (
    select
        record_number,
        other_number
    from edges
    union distinct
    select
        other_number as record_number,
        record_number as other_number
    from edges
),

linked as (
    select distinct record_number
    from reached
),

{{ connected_components('linked', 'reached', var('identity_passes')) }},

-- a person is called after their earliest record, whatever order the records came in
resolved as (
    select
        people.record_key,
        {{ dbt.hash('earliest.record_key') }} as customer_id,
        people.record_number,
        people.connection_id,
        people.source,
        people.record_type,
        people.record_id
    from people
    left join labels on people.record_number = labels.record_number
    inner join people as earliest on coalesce(labels.label, people.record_number) = earliest.record_number
)

select * from resolved
