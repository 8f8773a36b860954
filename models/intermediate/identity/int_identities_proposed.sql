{{ config(materialized='table') }}

with people as (
    select * from {{ ref('int_people_united') }}
),

edges as (
    select * from {{ ref('int_identity_edges_drawn') }}
),

{{ records_clustered() }},

proposed as (
    select
        record_number,
        cluster_number
    from clustered
)

select * from proposed
