with united as (
    {{ union_sources('order_lines', ['shopify', 'tables'], {
        'connection_id': 'varchar',
        'source': 'varchar',
        'source_order_id': 'varchar',
        'source_order_line_id': 'varchar',
        'source_product_id': 'varchar',
        'sku': 'varchar',
        'product_title': 'varchar',
        'currency': 'varchar',
        'position_in_order': 'bigint',
        'quantity': 'bigint',
        'unit_price': 'decimal(18, 4)',
        'discount_amount': 'decimal(18, 4)',
    }) }}
),

orders as (
    select * from {{ ref('orders') }}
),

order_lines as (
    select
        united.connection_id || '-' || united.source_order_line_id as order_line_id,
        orders.order_id,
        orders.customer_id,
        united.connection_id || '-' || united.source_product_id as product_id,
        united.connection_id,
        united.source,
        united.sku,
        united.product_title,
        united.currency,
        united.position_in_order,
        united.quantity,
        united.unit_price,
        united.discount_amount,
        cast(united.quantity * united.unit_price as decimal(18, 4)) as gross_amount,
        orders.is_counted,
        orders.order_date
    from united
    -- a line whose order has not landed belongs to nobody yet
    inner join orders
        on united.connection_id = orders.connection_id and united.source_order_id = orders.source_order_id
)

select * from order_lines
