with events as (
    select * from {{ ref('int_cart_events_grouped') }}
),

contents as (
    select * from {{ ref('int_cart_contents_summed') }}
),

clock as (
    select clock_now from {{ ref('int_clock_decided') }}
),

told as (
    select
        cart_id,
        customer_id,
        max(connection_id) as connection_id,
        max(visitor_id) as visitor_id,
        max(source_cart_id) as source_cart_id,
        max(case when event_name = 'Order Completed' then source_order_id end) as source_order_id,
        case when count(distinct currency) = 1 then max(currency) end as currency,
        max(case when event_name = 'Order Completed' then told_amount end) as ordered_amount,
        max(case when event_name = 'Checkout Started' then 1 else 0 end) = 1 as has_checkout_started,
        min(occurred_at) as started_at,
        max(occurred_at) as last_active_at,
        min(case when event_name = 'Order Completed' then occurred_at end) as ordered_at
    from events
    group by cart_id, customer_id
),

carts as (
    select
        told.cart_id,
        told.customer_id,
        told.connection_id,
        told.visitor_id,
        told.source_cart_id,
        told.source_order_id,
        case
            when told.ordered_at is not null then 'ordered'
            when coalesce(contents.count_items, 0) = 0 then 'emptied'
            when
                told.last_active_at <= {{ dbt.dateadd('hour', -var('cart_abandoned_hours'), 'clock.clock_now') }}
                then 'abandoned'
            else 'open'
        end as cart_status,
        told.currency,
        coalesce(contents.count_products, 0) as count_products,
        coalesce(contents.count_items, 0) as count_items,
        -- amounts of two currencies, or of goods without a price, add up to nothing
        case
            when told.currency is null then null
            when told.ordered_at is not null then coalesce(told.ordered_amount, contents.items_amount)
            when coalesce(contents.has_unpriced_items, false) then null
            else coalesce(contents.items_amount, 0)
        end as cart_value,
        told.has_checkout_started,
        told.started_at,
        told.last_active_at,
        told.ordered_at
    from told
    cross join clock
    left join contents on told.cart_id = contents.cart_id
)

select * from carts
