with source as (
    select * from {{ source('shopify', 'order_lines') }}
    {{ latest_version(['connection_id', 'id']) }}
),

order_lines as (
    select
        connection_id,
        cast(id as varchar) as shop_order_line_id,
        cast(order_id as varchar) as shop_order_id,
        cast(product_id as varchar) as shop_product_id,
        cast(variant_id as varchar) as shop_variant_id,
        sku,
        title,
        upper(currency) as currency,
        cast(position as bigint) as position_in_order,
        cast(quantity as bigint) as quantity,
        cast(unit_price as decimal(18, 4)) as unit_price,
        cast(coalesce(discount_amount, 0) as decimal(18, 4)) as discount_amount
    from source
)

select * from order_lines
