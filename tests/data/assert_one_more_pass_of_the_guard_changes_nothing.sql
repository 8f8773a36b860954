-- The propagation in front of and behind the guard has come to rest: both ends of every edge are in one cluster. A failure
-- asks for a larger `identity_passes`.
with edges as (
    select * from {{ ref('int_identity_edges_guarded') }}
),

clusters as (
    select * from {{ ref('int_identities_clustered') }}
),

parts as (
    select * from {{ ref('int_identity_parts_formed') }}
),

links as (
    select * from {{ ref('int_identity_links_formed') }}
    where not is_ambiguous
),

judged as (
    select * from {{ ref('int_identity_clusters_judged') }}
),

torn as (
    select edges.record_number
    from edges
    inner join clusters as one on edges.record_number = one.record_number
    inner join clusters as other on edges.other_number = other.record_number
    where one.cluster_number <> other.cluster_number
    union all
    select edges.record_number
    from edges
    inner join parts as one on edges.record_number = one.record_number
    inner join parts as other on edges.other_number = other.record_number
    where edges.reason <> 'score' and one.part <> other.part
    union all
    select links.part as record_number
    from links
    inner join judged as one on links.part = one.part
    inner join judged as other on links.other_part = other.part
    where one.cluster_number <> other.cluster_number
)

select * from torn
