{# CTEs up to `clusters` (part, cluster_number, count_parts, cohesion, stopped_because): what the CTE `links` (part,
   other_part; one direction, no doubles) makes of its parts, judged. `stopped_because` is null for a cluster that may
   stand. #}
{% macro identity_clusters_judged(links) -%}
{{ reached_both_ways(links, 'part', 'other_part') }},

{{ connected_components('linked', 'reached', var('identity_passes')) }},

sizes as (
    select
        label,
        cast(count(*) as double) as count_parts
    from labels
    group by label
),

link_counts as (
    select
        labels.label,
        count(*) as count_links
    from {{ links }} as joined
    inner join labels on joined.part = labels.record_number
    group by labels.label
),

clusters as (
    select
        labels.record_number as part,
        labels.label as cluster_number,
        cast(sizes.count_parts as bigint) as count_parts,
        link_counts.count_links / (sizes.count_parts * (sizes.count_parts - 1) / 2) as cohesion,
        case
            when sizes.count_parts > {{ var('identity_cluster_cap') }} then 'too large'
            when
                link_counts.count_links / (sizes.count_parts * (sizes.count_parts - 1) / 2)
                < {{ var('identity_cohesion') }} then 'too loose'
        end as stopped_because
    from labels
    inner join sizes on labels.label = sizes.label
    inner join link_counts on labels.label = link_counts.label
)
{%- endmacro %}
