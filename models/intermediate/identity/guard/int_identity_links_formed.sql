{{ config(materialized='table') }}

-- Scored edges between parts: what the guard judges.
with parts as (
    select * from {{ ref('int_identity_parts_formed') }}
),

edges as (
    select * from {{ ref('int_identity_edges_confirmed') }}
    where reason = 'score'
),

scored as (
    select * from {{ ref('int_identity_pairs_scored') }}
),

compared as (
    select * from {{ ref('int_identity_pairs_compared') }}
),

records_given as (
    select * from {{ ref('int_identity_records_given') }}
),

between_parts as (
    select
        greatest(one.part, other.part) as part,
        least(one.part, other.part) as other_part,
        scored.match_weight,
        scored.match_probability,
        case when records_given.is_strict then 1 else 0 end as is_strict,
        case when edges.reason is null then 0 else 1 end as is_joined
    from scored
    inner join parts as one on scored.record_number = one.record_number
    inner join parts as other on scored.other_number = other.record_number
    inner join records_given on scored.record_number = records_given.record_number
    left join edges on scored.record_number = edges.record_number and scored.other_number = edges.other_number
    where one.part <> other.part and scored.match_weight >= 0 and not scored.is_contradicted
),

united as (
    select
        part,
        other_part,
        max(match_weight) as match_weight,
        max(match_probability) as match_probability,
        max(is_strict) as is_strict,
        max(is_joined) as is_joined
    from between_parts
    group by part, other_part
),

heard as (
    select
        united.part,
        united.other_part,
        compared.count_known,
        coalesce(scored.match_weight >= 0 and not scored.is_contradicted, false) as speaks_for
    from compared
    inner join parts as one on compared.record_number = one.record_number
    inner join parts as other on compared.other_number = other.record_number
    inner join united
        on greatest(one.part, other.part) = united.part and least(one.part, other.part) = united.other_part
    left join scored on compared.record_number = scored.record_number and compared.other_number = scored.other_number
    where united.is_strict = 1
),

-- The best informed decides: where two records of whom more is known speak of two people, one of whom hardly anything is
-- known, and which so fits both, makes them no one.
told_apart as (
    select
        part,
        other_part
    from heard
    group by part, other_part
    having max(count_known) > max(case when speaks_for then count_known else 0 end)
),

fitting as (
    select united.*
    from united
    left join told_apart on united.part = told_apart.part and united.other_part = told_apart.other_part
    where told_apart.part is null
),

both_ways as {{ materialized() }} (
    select
        part,
        other_part,
        match_weight
    from fitting
    where is_joined = 1 and is_strict = 1
    union all
    select
        other_part as part,
        part as other_part,
        match_weight
    from fitting
    where is_joined = 1 and is_strict = 1
),

-- A record that fits two who do not fit each other is one of theirs or neither's: it goes with the one that is clearly the
-- likelier, by a bit, and otherwise with none.
ambiguous as (
    select distinct
        greatest(link.part, link.other_part) as part,
        least(link.part, link.other_part) as other_part
    from both_ways as link
    inner join both_ways as rival
        on
            link.part = rival.part
            and link.other_part <> rival.other_part
            and link.match_weight <= rival.match_weight + 1
    left join fitting
        on
            greatest(link.other_part, rival.other_part) = fitting.part
            and least(link.other_part, rival.other_part) = fitting.other_part
    where fitting.part is null
),

links as (
    select
        fitting.part,
        fitting.other_part,
        fitting.match_probability,
        ambiguous.part is not null as is_ambiguous
    from fitting
    left join ambiguous on fitting.part = ambiguous.part and fitting.other_part = ambiguous.other_part
    where fitting.is_joined = 1
)

select * from links
