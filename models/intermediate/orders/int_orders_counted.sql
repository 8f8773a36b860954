with orders as (
    select * from {{ ref('int_orders_unified') }}
),

counted as (
    select
        order_id,
        customer_id,
        order_date,
        ordered_at,
        currency,
        reporting_currency,
        gross_amount_reporting,
        net_amount_reporting
    from orders
    where is_counted and customer_id is not null and order_date <= {{ as_of_date() }}
)

select * from counted
