{{ config(materialized='table') }}

with cleaned as (
    select * from {{ ref('int_identity_records_cleaned') }}
),

terms as (
    {%- for field in identity_comparisons() %}
    select
        '{{ field }}' as field,
        {{ field }} as term,
        count(*) as count_records
    from cleaned
    where {{ field }} is not null
    group by {{ field }}
    having count(*) > 1
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

known as (
    {%- for field in identity_comparisons() %}
    select
        '{{ field }}' as field,
        count({{ field }}) as count_known
    from cleaned
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- how much it says that somebody else has the value too: the rarer, the more bits
terms_counted as (
    select
        terms.field,
        terms.term,
        terms.count_records,
        least(
            {{ var('identity_most_bits') }},
            -ln(cast(terms.count_records - 1 as double) / (known.count_known - 1)) / ln(2)
        ) as bits
    from terms
    inner join known on terms.field = known.field
)

select * from terms_counted
