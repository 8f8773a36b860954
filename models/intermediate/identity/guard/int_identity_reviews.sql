{{ config(materialized='table') }}

with judged as (
    select * from {{ ref('int_identity_clusters_judged') }}
    where stopped_because is not null
),

judged_again as (
    select * from {{ ref('int_identity_clusters_judged_again') }}
),

parts as (
    select * from {{ ref('int_identity_parts_formed') }}
),

clusters as (
    select * from {{ ref('int_identity_clusters_guarded') }}
),

reviews as (
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
)

select * from reviews
