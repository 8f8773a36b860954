with unified as (
    select * from {{ ref('int_orders_unified') }}
),

orders as (
    select
        order_id,
        customer_id,
        connection_id,
        source,
        source_order_id,
        record_key,
        order_name,
        country_code,
        sales_channel,
        financial_status,
        currency,
        reporting_currency,
        cast(count_lines as bigint) as count_lines,
        gross_amount,
        discount_amount,
        refunded_amount,
        net_amount,
        gross_amount_reporting,
        net_amount_reporting,
        is_cancelled,
        is_test,
        is_deleted,
        is_counted,
        order_date,
        ordered_at,
        updated_at
    from unified
)

select * from orders
