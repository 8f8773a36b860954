{{ config(materialized='table') }}

with links as (
    select
        part,
        other_part
    from {{ ref('int_identity_links_formed') }}
    where not is_ambiguous
),

{{ identity_clusters_judged('links') }}

select * from clusters
