{{ config(materialized='table') }}

with orders as (
    select * from {{ ref('int_orders_counted') }}
),

summed as (
    select
        customer_id,
        count(*) as count_orders,
        count(distinct order_date) as count_order_days,
        sum(gross_amount_reporting) as gross_spend,
        sum(net_amount_reporting) as net_spend,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        max(ordered_at) as last_ordered_at
    from orders
    group by customer_id
)

select * from summed
