with carts as (
    select * from {{ ref('carts') }}
),

customers as (
    select * from {{ ref('customers') }}
),

clock as (
    select clock_now from {{ ref('int_clock_decided') }}
),

-- who has ordered since has not left it after all
abandoned as (
    select distinct carts.customer_id
    from carts
    inner join customers on carts.customer_id = customers.customer_id
    cross join clock
    left join carts as later
        on carts.customer_id = later.customer_id and later.cart_status = 'ordered' and later.ordered_at >= carts.last_active_at
    where
        carts.cart_status = 'abandoned'
        and carts.last_active_at > {{ dbt.dateadd('day', -var('cart_worth_a_mail_days'), 'clock.clock_now') }}
        and later.cart_id is null
)

select * from abandoned
