{{ config(materialized='table') }}

with united as (
    {{ union_sources('orders', ['shopify', 'tables'], {
        'connection_id': 'varchar',
        'source': 'varchar',
        'source_order_id': 'varchar',
        'order_name': 'varchar',
        'record_type': 'varchar',
        'record_id': 'varchar',
        'currency': 'varchar',
        'country_code': 'varchar',
        'sales_channel': 'varchar',
        'financial_status': 'varchar',
        'count_lines': 'bigint',
        'gross_amount': 'decimal(18, 4)',
        'discount_amount': 'decimal(18, 4)',
        'refunded_amount': 'decimal(18, 4)',
        'is_cancelled': 'boolean',
        'is_test': 'boolean',
        'is_deleted': 'boolean',
        'ordered_at': 'timestamp',
        'updated_at': 'timestamp',
    }) }}
),

orders as (
    select
        united.connection_id || '-' || united.source_order_id as order_id,
        {{ record_key('united') }} as record_key,
        united.*,
        cast(united.gross_amount - united.discount_amount - united.refunded_amount as decimal(18, 4)) as net_amount,
        -- days are UTC days
        cast(united.ordered_at as date) as order_date,
        -- what a cancelled, test or deleted order was worth says nothing of the customer: it is kept, and never counted
        coalesce(not united.is_cancelled and not united.is_test and not united.is_deleted, false) as is_counted
    from united
)

select * from orders
