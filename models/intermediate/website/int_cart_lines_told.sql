with events as (
    select * from {{ ref('int_cart_events_grouped') }}
),

-- a list of products is the whole cart as it was then; one product is what came to it or left it
lists as (
    select * from events
    where event_name in ('Cart Viewed', 'Checkout Started', 'Order Completed') and products is not null
),

listed as (
    {{ json_elements('lists', ['event_id'], 'products') }}
),

singles as (
    select * from events
    where event_name in ('Product Added', 'Product Removed')
),

told as (
    select
        event_id,
        element as product
    from listed
    union all
    select
        event_id,
        properties as product
    from singles
),

read as (
    select
        event_id,
        coalesce(
            nullif(trim({{ json_text('product', 'product_id') }}), ''),
            nullif(trim({{ json_text('product', 'sku') }}), ''),
            nullif(trim({{ json_text('product', 'name') }}), '')
        ) as source_product_id,
        coalesce({{ text_as(json_text('product', 'quantity'), 'integer') }}, 1) as quantity,
        {{ text_as(json_text('product', 'price'), 'decimal') }} as price
    from told
),

-- what no cart can hold is no amount: it would be more than the column holds as well
lines as (
    select
        events.cart_id,
        events.event_id,
        events.place,
        events.event_name not in ('Product Added', 'Product Removed') as is_of_list,
        read.source_product_id,
        case when events.event_name = 'Product Removed' then -1 else 1 end
        * case when read.quantity between 0 and 10000 then read.quantity else 1 end as quantity,
        case when read.price between 0 and 10000000 then read.price end as price
    from read
    inner join events on read.event_id = events.event_id
    where read.source_product_id is not null
)

select * from lines
