with days as (
    select * from {{ ref('int_order_days_summed') }}
),

clock as (
    select as_of from {{ ref('int_clock_decided') }}
),

summed as (
    select
        customer_id,
        min(first_order_date) as first_order_date,
        max(order_date) as last_order_date,
        count(*) - 1 as frequency,
        -- the first purchase says nothing about those that follow: the mean is of the later days only
        sum(case when order_date > first_order_date then day_total else 0 end) as later_total
    from days
    group by customer_id
),

customer_purchase_summary as (
    select
        summed.customer_id,
        clock.as_of,
        cast(summed.frequency as bigint) as frequency,
        cast({{ dbt.datediff('summed.first_order_date', 'summed.last_order_date', 'day') }} as bigint) as recency_days,
        cast({{ dbt.datediff('summed.first_order_date', 'clock.as_of', 'day') }} as bigint) as age_days,
        case
            when summed.frequency = 0 then cast(0 as double)
            else cast(summed.later_total as double) / summed.frequency
        end as mean_order_day_value
    from summed
    cross join clock
)

select * from customer_purchase_summary
