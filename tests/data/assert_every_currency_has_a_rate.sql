-- Each currency and day with an order can be expressed in the reporting currency. A failure asks for a row in
-- seeds/exchange_rates.csv, or for the variable `reporting_currency`.
with orders as (
    select * from {{ ref('int_orders_unified') }}
),

missing as (
    select
        currency,
        reporting_currency,
        count(*) as count_orders,
        min(order_date) as first_order_date
    from orders
    where gross_amount_reporting is null
    group by currency, reporting_currency
)

select * from missing
