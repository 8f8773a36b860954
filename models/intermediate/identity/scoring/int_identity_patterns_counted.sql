{{ config(materialized='view') }}

-- What training reads: how many pairs agree in the same way. Never more than a share of the pairs that were looked at.
{% set levels = identity_comparisons() | map('string') | list %}
with compared as (
    select * from {{ ref('int_identity_pairs_compared') }}
),

sampled as (
    select * from {{ ref('int_identity_pairs_sampled') }}
),

shares as (
    select least(1000, ceil(1000.0 * {{ var('identity_training_pairs') }} / greatest(count(*), 1))) as per_mille
    from compared
),

patterns_counted as (
    select
        'blocked' as drawn,
        compared.rules,
        {%- for field in levels %}
        compared.{{ field }}_level,
        {%- endfor %}
        count(*) * 1000.0 / max(shares.per_mille) as count_pairs
    from compared
    cross join shares
    where mod(compared.record_number * 31 + compared.other_number * 17, 1000) < shares.per_mille
    group by
        compared.rules
        {%- for field in levels %},
        compared.{{ field }}_level
        {%- endfor %}
    union all
    select
        'sampled' as drawn,
        0 as rules,
        {%- for field in levels %}
        sampled.{{ field }}_level,
        {%- endfor %}
        count(*) as count_pairs
    from sampled
    group by
        {%- for field in levels %}
        sampled.{{ field }}_level{{ ',' if not loop.last }}
        {%- endfor %}
)

select * from patterns_counted
