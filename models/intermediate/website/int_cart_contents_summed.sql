with lines as (
    select * from {{ ref('int_cart_lines_told') }}
),

last_lists as (
    select
        cart_id,
        max(place) as place
    from lines
    where is_of_list
    group by cart_id
),

-- from the last list on, or from the beginning where there never was one
current_lines as (
    select lines.*
    from lines
    left join last_lists on lines.cart_id = last_lists.cart_id
    where last_lists.place is null or lines.place >= last_lists.place
),

products as (
    select
        cart_id,
        source_product_id,
        greatest(sum(quantity), 0) as quantity,
        max_by(price, case when price is not null then place end) as price
    from current_lines
    group by cart_id, source_product_id
),

contents as (
    select
        cart_id,
        cast(sum(case when quantity > 0 then 1 else 0 end) as bigint) as count_products,
        cast(sum(quantity) as bigint) as count_items,
        cast(sum(quantity * coalesce(price, 0)) as decimal(18, 4)) as items_amount,
        max(case when quantity > 0 and price is null then 1 else 0 end) = 1 as has_unpriced_items
    from products
    group by cart_id
)

select * from contents
