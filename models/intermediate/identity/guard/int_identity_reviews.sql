{{ config(materialized='table') }}

with judged as (
    select * from {{ ref('int_identity_clusters_judged') }}
    where stopped_because is not null
),

judged_again as (
    select * from {{ ref('int_identity_clusters_judged_again') }}
),

links as (
    select * from {{ ref('int_identity_links_formed') }}
    where is_ambiguous
),

parts as (
    select * from {{ ref('int_identity_parts_formed') }}
),

clusters as (
    select * from {{ ref('int_identities_clustered') }}
),

stopped as (
    select
        judged.cluster_number,
        judged.stopped_because,
        max(judged.count_parts) as count_parts,
        max(judged.cohesion) as cohesion,
        count(*) as count_records,
        count(distinct clusters.cluster_number) as count_clusters_left,
        case
            when max(case when judged_again.stopped_because is null and judged_again.part is not null then 1 else 0 end) = 1
                then 'strictest scores kept'
            else 'no scores kept'
        end as what_stayed
    from judged
    inner join parts on judged.part = parts.part
    inner join clusters on parts.record_number = clusters.record_number
    left join judged_again on judged.part = judged_again.part
    group by judged.cluster_number, judged.stopped_because
),

undecided as (
    select
        part as cluster_number,
        'fits several who do not fit each other' as stopped_because,
        count(*) + 1 as count_parts,
        cast(null as double) as cohesion,
        cast(null as bigint) as count_records,
        cast(null as bigint) as count_clusters_left,
        'the likeliest score, if any, kept' as what_stayed
    from links
    group by part
),

reviews as (
    select * from stopped
    union all
    select * from undecided
)

select * from reviews
