{{ config(materialized='view') }}

-- What training reads: how many pairs agree in the same way. Never more than a share of the pairs that were looked at.
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
        {{ identity_level_columns('compared') }},
        count(*) * 1000.0 / max(shares.per_mille) as count_pairs
    from compared
    cross join shares
    where mod(compared.record_number * 31 + compared.other_number * 17, 1000) < shares.per_mille
    group by compared.rules, {{ identity_level_columns('compared') }}
    union all
    select
        'sampled' as drawn,
        0 as rules,
        {{ identity_level_columns('sampled') }},
        count(*) as count_pairs
    from sampled
    group by {{ identity_level_columns('sampled') }}
)

select * from patterns_counted
