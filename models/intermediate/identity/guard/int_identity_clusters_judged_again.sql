{{ config(materialized='table') }}

-- What was stopped, with the strictest of its edges only.
with stopped as (
    select * from {{ ref('int_identity_clusters_judged') }}
    where stopped_because is not null
),

links as (
    select
        formed.part,
        formed.other_part
    from {{ ref('int_identity_links_formed') }} as formed
    inner join stopped on formed.part = stopped.part
    where not formed.is_ambiguous and formed.match_probability >= {{ var('identity_strict_probability') }}
),

{{ identity_clusters_judged('links') }}

select * from clusters
