{{ config(materialized='table') }}

{% set comparisons = identity_comparisons() %}
{% set most = var('identity_most_bits') %}
with compared as (
    select * from {{ ref('int_identity_pairs_compared') }}
),

weights as (
    select * from {{ ref('identity_weights') }}
),

terms as (
    select * from {{ ref('int_identity_terms_counted') }}
),

cleaned as (
    select * from {{ ref('int_identity_records_cleaned') }}
),

priors as (
    select
        weight,
        household_weight
    from weights
    where comparison = 'prior'
),

-- one person against two strangers, and against two of one household
weighed as (
    select
        compared.*,
        priors.weight + {{ identity_weights_sum('weight') }} as stranger_weight,
        priors.household_weight + {{ identity_weights_sum('household_weight') }} as household_weight
    from compared
    cross join priors
    {%- for field in comparisons %}
    left join weights as {{ field }}_weights
        on {{ field }}_weights.comparison = '{{ field }}' and compared.{{ field }}_level = {{ field }}_weights.level
    {%- endfor %}
),

-- the many that are clearly two people need no look at how rare their values are
hopeful as (
    select * from weighed
    where least(stranger_weight, household_weight) >= -{{ most }}
),

-- equal values say more the rarer they are: in place of the chance that any two agree, that somebody has this very value
adjustments as (
    {%- for field, kind in comparisons.items() %}
    select
        hopeful.record_number,
        hopeful.other_number,
        {{ 1 if field in identity_personal_fields() else 0 }} as is_personal,
        greatest(
            -{{ most }},
            least({{ most }}, weights.weight + ln(weights.u) / ln(2) + terms.bits)
        ) - weights.weight as bits
    from hopeful
    inner join cleaned on hopeful.record_number = cleaned.record_number
    inner join terms on terms.field = '{{ field }}' and cleaned.{{ field }} = terms.term
    inner join weights on weights.comparison = '{{ field }}' and weights.level = {{ identity_equal_level(kind) }}
    where hopeful.{{ field }}_level = {{ identity_equal_level(kind) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- as decimals: a sum of doubles depends on the order in which they come, and two builds would differ in the last digits
adjusted as (
    select
        record_number,
        other_number,
        cast(sum(cast(bits as decimal(18, 9))) as double) as bits,
        cast(sum(case when is_personal = 1 then cast(bits as decimal(18, 9)) else 0 end) as double) as personal_bits
    from adjustments
    group by record_number, other_number
),

added as (
    select
        hopeful.*,
        coalesce(adjusted.bits, 0) as term_weight,
        power(2, -(hopeful.stranger_weight + coalesce(adjusted.bits, 0))) as odds_of_strangers,
        power(2, -(hopeful.household_weight + coalesce(adjusted.personal_bits, 0))) as odds_of_household
    from hopeful
    left join adjusted
        on hopeful.record_number = adjusted.record_number and hopeful.other_number = adjusted.other_number
),

-- A household agrees on everything but the given name, namesakes on everything but the phone: where a mistake would write
-- to the wrong person, no weight of the rest makes up for either.
scored as (
    select
        added.record_number,
        added.other_number,
        {%- for field in comparisons %}
        added.{{ field }}_level,
        {%- endfor %}
        added.term_weight,
        -ln(added.odds_of_strangers + added.odds_of_household) / ln(2) as match_weight,
        1 / (1 + added.odds_of_strangers + added.odds_of_household) as match_probability,
        cleaned.is_strict and (
            coalesce(added.given_name_level, 0) = 0 or coalesce(added.phone_level, 1) = 0
        ) as is_contradicted
    from added
    inner join cleaned on added.record_number = cleaned.record_number
)

select * from scored
