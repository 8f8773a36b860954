with orders as (
    select * from {{ ref('stg_shopify__orders') }}
),

line_totals as (
    select
        connection_id,
        shop_order_id,
        count(*) as count_lines,
        sum(quantity * unit_price) as gross_amount,
        sum(discount_amount) as discount_amount
    from {{ ref('stg_shopify__order_lines') }}
    group by connection_id, shop_order_id
),

refund_totals as (
    select
        connection_id,
        shop_order_id,
        sum(refunded_amount) as refunded_amount
    from {{ ref('stg_shopify__refunds') }}
    group by connection_id, shop_order_id
),

valued as (
    select
        orders.connection_id,
        'shopify' as source,
        orders.shop_order_id as source_order_id,
        orders.order_name,
        case when orders.shop_customer_id is null then 'order' else 'customer' end as record_type,
        coalesce(orders.shop_customer_id, orders.shop_order_id) as record_id,
        orders.currency,
        orders.country_code,
        orders.sales_channel,
        orders.financial_status,
        coalesce(line_totals.count_lines, 0) as count_lines,
        -- gross is what the lines cost as charged, before discounts and refunds; an order without lines has only its total
        coalesce(line_totals.gross_amount, orders.charged_amount, 0) as gross_amount,
        coalesce(line_totals.discount_amount, 0) as discount_amount,
        coalesce(refund_totals.refunded_amount, orders.refunded_amount, 0) as refunded_amount,
        orders.is_cancelled,
        orders.is_test,
        orders.is_deleted,
        orders.ordered_at,
        orders.updated_at
    from orders
    left join line_totals
        on orders.connection_id = line_totals.connection_id and orders.shop_order_id = line_totals.shop_order_id
    left join refund_totals
        on orders.connection_id = refund_totals.connection_id and orders.shop_order_id = refund_totals.shop_order_id
)

select * from valued
