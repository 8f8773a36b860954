{{ config(enabled=own_tables() | length > 0) }}

with arrived as (
    {{ own_table('order_lines', [
        'id', 'origin', 'order_id', 'product_id', 'sku', 'title', 'currency', 'position', 'quantity', 'unit_price',
        'discount_amount',
    ]) }}
),

source as (
    select * from arrived
    where not is_removed
    {{ latest_version(['connection_id', 'id']) }}
),

order_lines as (
    select
        connection_id,
        source,
        id as own_order_line_id,
        order_id as own_order_id,
        coalesce(product_id, sku, title) as own_product_id,
        nullif(trim(sku), '') as sku,
        nullif(trim(title), '') as title,
        upper(nullif(trim(currency), '')) as currency,
        position as position_in_order,
        coalesce(quantity, 0) as quantity,
        coalesce(unit_price, 0) as unit_price,
        coalesce(discount_amount, 0) as discount_amount
    from source
)

select * from order_lines
