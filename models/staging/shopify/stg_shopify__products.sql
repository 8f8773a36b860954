with source as (
    select * from {{ source('shopify', 'products') }}
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

products as (
    select
        connection_id,
        cast(id as varchar) as shop_product_id,
        title,
        nullif(trim(product_type), '') as product_type,
        nullif(trim(vendor), '') as maker,
        lower(status) as product_status,
        variants,
        {{ is_removed('shopify', 'products', 'source') }} as is_deleted,
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('updated_at') }} as updated_at
    from source
)

select * from products
