{{ config(materialized='table') }}

-- Records that people decided to be one person stand or fall together, however many pairs it took to say so; but not where
-- they decided as well that two of them are not.
with overrides as (
    select * from {{ ref('int_identity_overrides_united') }}
),

must as (
    select
        record_number,
        other_number
    from overrides
    where decision = 'must link'
),

named as (
    select distinct record_number
    from must
),

{{ connected_components('named', 'must', var('identity_passes')) }},

contradicted as (
    select distinct one.label
    from overrides
    inner join labels as one on overrides.record_number = one.record_number
    inner join labels as other on overrides.other_number = other.record_number
    where overrides.decision = 'cannot link' and one.label = other.label
),

bound as (
    select
        labels.record_number,
        labels.label as bound_number
    from labels
    left join contradicted on labels.label = contradicted.label
    where contradicted.label is null
)

select * from bound
