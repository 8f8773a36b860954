with products as (
    select * from {{ ref('stg_shopify__products') }}
),

renamed as (
    select
        connection_id,
        'shopify' as source,
        shop_product_id as source_product_id,
        title as product_title,
        product_type,
        maker,
        product_status,
        is_deleted,
        created_at,
        updated_at
    from products
)

select * from renamed
