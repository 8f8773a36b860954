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

prior as (
    select max(weight) as weight
    from weights
    where comparison = 'prior'
),

weighed as (
    select
        compared.*,
        prior.weight
        {%- for field in comparisons %}
        + coalesce({{ field }}_weights.weight, 0)
        {%- endfor %} as match_weight
    from compared
    cross join prior
    {%- for field in comparisons %}
    left join weights as {{ field }}_weights
        on {{ field }}_weights.comparison = '{{ field }}' and compared.{{ field }}_level = {{ field }}_weights.level
    {%- endfor %}
),

-- what even the rarest values could not lift over the threshold needs no look at how rare they are
hopeful as (
    select * from weighed
    where match_weight >= -{{ most }}
),

-- equal values say more the rarer they are: in place of the chance that any two agree, that somebody has this very value
adjustments as (
    {%- for field, kind in comparisons.items() %}
    select
        hopeful.record_number,
        hopeful.other_number,
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

adjusted as (
    select
        record_number,
        other_number,
        sum(bits) as bits
    from adjustments
    group by record_number, other_number
),

scored as (
    select
        hopeful.record_number,
        hopeful.other_number,
        {%- for field in comparisons %}
        hopeful.{{ field }}_level,
        {%- endfor %}
        coalesce(adjusted.bits, 0) as term_weight,
        hopeful.match_weight + coalesce(adjusted.bits, 0) as match_weight,
        1 / (1 + power(2, -(hopeful.match_weight + coalesce(adjusted.bits, 0)))) as match_probability
    from hopeful
    left join adjusted
        on hopeful.record_number = adjusted.record_number and hopeful.other_number = adjusted.other_number
)

select * from scored
