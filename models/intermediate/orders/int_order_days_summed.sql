with orders as (
    select * from {{ ref('int_orders_counted') }}
),

-- purchases of one day are one purchase occasion
days as (
    select
        customer_id,
        order_date,
        count(*) as count_orders,
        sum(gross_amount_reporting) as day_total,
        min(order_date) over (partition by customer_id) as first_order_date
    from orders
    group by customer_id, order_date
)

select * from days
