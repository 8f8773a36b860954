{{ config(enabled=own_tables() | length > 0) }}

with order_lines as (
    select * from {{ ref('stg_tables__order_lines') }}
),

orders as (
    select * from {{ ref('stg_tables__orders') }}
),

renamed as (
    select
        order_lines.connection_id,
        order_lines.source,
        order_lines.own_order_id as source_order_id,
        order_lines.own_order_line_id as source_order_line_id,
        order_lines.own_product_id as source_product_id,
        order_lines.sku,
        order_lines.title as product_title,
        coalesce(order_lines.currency, orders.currency) as currency,
        order_lines.position_in_order,
        order_lines.quantity,
        order_lines.unit_price,
        order_lines.discount_amount
    from order_lines
    left join orders
        on order_lines.connection_id = orders.connection_id and order_lines.own_order_id = orders.own_order_id
)

select * from renamed
