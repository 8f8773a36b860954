{{ config(materialized='table') }}

-- What rules hold together is not for the guard to judge: it is one part, however many records it has.
with people as (
    select * from {{ ref('int_people_united') }}
),

edges as (
    select * from {{ ref('int_identity_edges_confirmed') }}
    where reason <> 'score'
),

{{ records_clustered() }},

parts as (
    select
        record_number,
        cluster_number as part
    from clustered
)

select * from parts
