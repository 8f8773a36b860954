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

clustered as (
    select
        people.record_number,
        people.record_key,
        coalesce(labels.label, people.record_number) as cluster_number
    from people
    left join labels on people.record_number = labels.record_number
)

select * from clustered
