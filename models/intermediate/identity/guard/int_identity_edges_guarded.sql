{{ config(materialized='table') }}

-- A few false edges chain many people into one. What the guard stopped keeps its strictest scored edges, and where those
-- still chain, none.
with edges as (
    select * from {{ ref('int_identity_edges_confirmed') }}
),

parts as (
    select * from {{ ref('int_identity_parts_formed') }}
),

links as (
    select * from {{ ref('int_identity_links_formed') }}
),

judged as (
    select * from {{ ref('int_identity_clusters_judged') }}
),

judged_again as (
    select * from {{ ref('int_identity_clusters_judged_again') }}
),

links_kept as (
    select
        links.part,
        links.other_part
    from links
    inner join judged on links.part = judged.part
    left join judged_again on links.part = judged_again.part
    where
        not links.is_ambiguous
        and (
            judged.stopped_because is null
            or (
                links.match_probability >= {{ var('identity_strict_probability') }}
                and judged_again.part is not null
                and judged_again.stopped_because is null
            )
        )
),

guarded as (
    select
        edges.record_number,
        edges.other_number,
        edges.reason
    from edges
    inner join parts as one on edges.record_number = one.record_number
    inner join parts as other on edges.other_number = other.record_number
    left join links_kept
        on
            greatest(one.part, other.part) = links_kept.part
            and least(one.part, other.part) = links_kept.other_part
    where edges.reason <> 'score' or one.part = other.part or links_kept.part is not null
)

select * from guarded
