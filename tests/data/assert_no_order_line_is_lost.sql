-- Every staged line whose order has landed is in the mart.
{{ config(enabled=var('sources')['shopify']) }}

with lines as (
    select orders.connection_id
    from {{ ref('stg_shopify__order_lines') }} as order_lines
    inner join {{ ref('stg_shopify__orders') }} as orders
        on order_lines.connection_id = orders.connection_id and order_lines.shop_order_id = orders.shop_order_id
    {%- if is_source_on('tables') %}
    union all
    select orders.connection_id
    from {{ ref('stg_tables__order_lines') }} as order_lines
    inner join {{ ref('stg_tables__orders') }} as orders
        on order_lines.connection_id = orders.connection_id and order_lines.own_order_id = orders.own_order_id
    {%- endif %}
),

staged as (
    select count(*) as count_lines
    from lines
),

kept as (
    select count(*) as count_lines
    from {{ ref('order_lines') }}
)

select
    staged.count_lines as count_staged,
    kept.count_lines as count_kept
from staged
cross join kept
where staged.count_lines <> kept.count_lines
