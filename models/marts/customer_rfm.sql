with customer_orders as (
    select * from {{ ref('int_customer_orders_summed') }}
),

clock as (
    select as_of from {{ ref('int_clock_decided') }}
),

rfm_groups as (
    select * from {{ ref('rfm_groups') }}
),

measured as (
    select
        customer_orders.customer_id,
        clock.as_of,
        cast({{ dbt.datediff('customer_orders.last_order_date', 'clock.as_of', 'day') }} as bigint) as recency_days,
        cast(customer_orders.count_orders as bigint) as frequency_orders,
        cast(customer_orders.count_order_days as bigint) as frequency_days,
        cast(customer_orders.gross_spend as decimal(18, 4)) as monetary_value
    from customer_orders
    cross join clock
),

{% if var('rfm_method') == 'thresholds' -%}
thresholds as (
    select * from {{ ref('rfm_thresholds') }}
),

scored as (
    select
        measured.*,
        recency.score as recency_score,
        frequency.score as frequency_score,
        monetary.score as monetary_score
    from measured
    left join thresholds as recency
        on
            recency.measure = 'recency_days'
            and measured.recency_days >= recency.from_value
            and (recency.below_value is null or measured.recency_days < recency.below_value)
    left join thresholds as frequency
        on
            frequency.measure = 'frequency_days'
            and measured.frequency_days >= frequency.from_value
            and (frequency.below_value is null or measured.frequency_days < frequency.below_value)
    left join thresholds as monetary
        on
            monetary.measure = 'monetary_value'
            and measured.monetary_value >= monetary.from_value
            and (monetary.below_value is null or measured.monetary_value < monetary.below_value)
),
{%- else -%}
-- percent_rank, not ntile: customers with equal values get equal scores, and every engine gives the same ones
scored as (
    select
        *,
        least(5, 1 + floor(5 * percent_rank() over (order by recency_days desc))) as recency_score,
        least(5, 1 + floor(5 * percent_rank() over (order by frequency_days asc))) as frequency_score,
        least(5, 1 + floor(5 * percent_rank() over (order by monetary_value asc))) as monetary_score
    from measured
),
{%- endif %}

customer_rfm as (
    select
        scored.customer_id,
        scored.as_of,
        scored.recency_days,
        scored.frequency_orders,
        scored.frequency_days,
        scored.monetary_value,
        cast(scored.recency_score as bigint) as recency_score,
        cast(scored.frequency_score as bigint) as frequency_score,
        cast(scored.monetary_score as bigint) as monetary_score,
        rfm_groups.rfm_segment
    from scored
    left join rfm_groups
        on
            scored.recency_score between rfm_groups.recency_from and rfm_groups.recency_to
            and (scored.frequency_score + scored.monetary_score) / 2.0 >= rfm_groups.value_from
            and (scored.frequency_score + scored.monetary_score) / 2.0 < rfm_groups.value_below
)

select * from customer_rfm
