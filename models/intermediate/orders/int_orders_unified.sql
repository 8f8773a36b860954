{{ config(materialized='table') }}

with orders as (
    select * from {{ ref('int_orders_united') }}
),

identities as (
    select * from {{ ref('int_identities_resolved') }}
),

reporting as (
    select * from {{ ref('int_reporting_currency_decided') }}
),

-- a rate holds from its day until the next one of the same pair
rates as (
    select
        exchange_rates.currency,
        exchange_rates.rate,
        exchange_rates.valid_from,
        lead(exchange_rates.valid_from) over (
            partition by exchange_rates.currency
            order by exchange_rates.valid_from asc
        ) as valid_until
    from {{ ref('exchange_rates') }} as exchange_rates
    inner join reporting on exchange_rates.reporting_currency = reporting.reporting_currency
),

rated as (
    select
        orders.order_id,
        orders.record_key,
        orders.connection_id,
        orders.source,
        orders.source_order_id,
        orders.order_name,
        orders.currency,
        orders.country_code,
        orders.sales_channel,
        orders.financial_status,
        orders.count_lines,
        orders.gross_amount,
        orders.discount_amount,
        orders.refunded_amount,
        orders.net_amount,
        orders.is_cancelled,
        orders.is_test,
        orders.is_deleted,
        orders.is_counted,
        orders.order_date,
        orders.ordered_at,
        orders.updated_at,
        identities.customer_id,
        reporting.reporting_currency,
        case when orders.currency = reporting.reporting_currency then 1 else rates.rate end as rate
    from orders
    cross join reporting
    left join identities on orders.record_key = identities.record_key
    left join rates
        on
            orders.currency = rates.currency
            and orders.currency <> reporting.reporting_currency
            and orders.order_date >= rates.valid_from
            and (rates.valid_until is null or orders.order_date < rates.valid_until)
),

unified as (
    select
        *,
        cast(gross_amount * rate as decimal(18, 4)) as gross_amount_reporting,
        cast(net_amount * rate as decimal(18, 4)) as net_amount_reporting
    from rated
)

select * from unified
