-- Every combination of scores falls into exactly one group of the seed.
with scores as (
    {%- for score in range(1, 6) %}
    select {{ score }} as score
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

combinations as (
    select
        recency.score as recency_score,
        frequency.score as frequency_score,
        monetary.score as monetary_score,
        (frequency.score + monetary.score) / 2.0 as value_score
    from scores as recency
    cross join scores as frequency
    cross join scores as monetary
),

grouped as (
    select
        combinations.recency_score,
        combinations.frequency_score,
        combinations.monetary_score,
        count(rfm_groups.rfm_segment) as count_groups
    from combinations
    left join {{ ref('rfm_groups') }} as rfm_groups
        on
            combinations.recency_score between rfm_groups.recency_from and rfm_groups.recency_to
            and combinations.value_score >= rfm_groups.value_from
            and combinations.value_score < rfm_groups.value_below
    group by combinations.recency_score, combinations.frequency_score, combinations.monetary_score
)

select * from grouped
where count_groups <> 1
