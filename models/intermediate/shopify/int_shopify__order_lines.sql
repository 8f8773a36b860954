with order_lines as (
    select * from {{ ref('stg_shopify__order_lines') }}
),

renamed as (
    select
        connection_id,
        'shopify' as source,
        shop_order_id as source_order_id,
        shop_order_line_id as source_order_line_id,
        shop_product_id as source_product_id,
        sku,
        title as product_title,
        currency,
        position_in_order,
        quantity,
        unit_price,
        discount_amount
    from order_lines
)

select * from renamed
