{{ config(materialized='table') }}

with events as (
    select
        *,
        coalesce(customer_id, connection_id || '/' || visitor_id) as cart_owner,
        nullif(trim({{ json_text('properties', 'cart_id') }}), '') as told_cart_id
    from {{ ref('web_events') }}
    where
        event_type = 'track'
        and event_name in ('Product Added', 'Product Removed', 'Cart Viewed', 'Checkout Started', 'Order Completed')
),

-- an order empties the cart: what follows is another one, also when the website goes on calling it the same
ordered as (
    select
        *,
        coalesce(
            sum(case when event_name = 'Order Completed' then 1 else 0 end) over (
                partition by cart_owner
                order by occurred_at asc, event_id asc
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as count_orders_before
    from events
),

told as (
    select
        *,
        count(told_cart_id) over (
            partition by cart_owner, count_orders_before
            order by occurred_at asc, event_id asc
            rows between unbounded preceding and current row
        ) as told_number
    from ordered
),

-- who does not say which cart means the one told of last, and before any was told of, the first
carried as (
    select
        *,
        coalesce(
            max(told_cart_id) over (partition by cart_owner, count_orders_before, told_number),
            max(case when told_number = 1 then told_cart_id end) over (partition by cart_owner, count_orders_before),
            ''
        ) as source_cart_id
    from told
),

grouped as (
    select
        event_id,
        {{ dbt.hash("cart_owner || '|' || cast(count_orders_before as varchar) || '|' || source_cart_id") }} as cart_id,
        customer_id,
        connection_id,
        visitor_id,
        event_name,
        nullif(source_cart_id, '') as source_cart_id,
        nullif(trim({{ json_text('properties', 'order_id') }}), '') as source_order_id,
        upper(nullif(trim({{ json_text('properties', 'currency') }}), '')) as currency,
        coalesce(
            {{ text_as(json_text('properties', 'total'), 'decimal') }},
            {{ text_as(json_text('properties', 'revenue'), 'decimal') }},
            {{ text_as(json_text('properties', 'value'), 'decimal') }}
        ) as told_amount,
        properties,
        products,
        row_number() over (
            partition by cart_owner, count_orders_before, source_cart_id
            order by occurred_at asc, event_id asc
        ) as place,
        occurred_at
    from carried
)

select * from grouped
