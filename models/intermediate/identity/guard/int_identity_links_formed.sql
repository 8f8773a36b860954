{{ config(materialized='table') }}

-- Scored edges between parts: what the guard judges.
with parts as (
    select * from {{ ref('int_identity_parts_formed') }}
),

edges as (
    select * from {{ ref('int_identity_edges_confirmed') }}
    where reason = 'score'
),

scored as (
    select * from {{ ref('int_identity_pairs_scored') }}
),

between_parts as (
    select
        greatest(one.part, other.part) as part,
        least(one.part, other.part) as other_part,
        scored.match_probability
    from edges
    inner join scored
        on edges.record_number = scored.record_number and edges.other_number = scored.other_number
    inner join parts as one on edges.record_number = one.record_number
    inner join parts as other on edges.other_number = other.record_number
    where one.part <> other.part
),

links as (
    select
        part,
        other_part,
        max(match_probability) as match_probability
    from between_parts
    group by part, other_part
)

select * from links
