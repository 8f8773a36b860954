{{ config(materialized='table') }}

with people as (
    select * from {{ ref('int_people_united') }}
),

edges as (
    select * from {{ ref('int_identity_edges_guarded') }}
),

{{ records_clustered() }}

select * from clustered
