with united as (
    {{ union_sources('products', ['shopify'], {
        'connection_id': 'varchar',
        'source': 'varchar',
        'source_product_id': 'varchar',
        'product_title': 'varchar',
        'product_type': 'varchar',
        'maker': 'varchar',
        'product_status': 'varchar',
        'is_deleted': 'boolean',
        'created_at': 'timestamp',
        'updated_at': 'timestamp',
    }) }}
),

products as (
    select
        united.connection_id || '-' || united.source_product_id as product_id,
        united.connection_id,
        united.source,
        united.source_product_id,
        united.product_title,
        united.product_type,
        united.maker,
        united.product_status,
        united.is_deleted,
        united.created_at,
        united.updated_at
    from united
)

select * from products
