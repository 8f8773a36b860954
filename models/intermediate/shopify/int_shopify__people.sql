with customers as (
    select * from {{ ref('stg_shopify__customers') }}
),

orders as (
    select * from {{ ref('stg_shopify__orders') }}
),

-- an order without a customer was placed by a guest; one whose customer never landed still belongs to somebody
strangers as (
    select
        orders.*,
        'shopify' as source,
        case when orders.shop_customer_id is null then 'order' else 'customer' end as record_type,
        coalesce(orders.shop_customer_id, orders.shop_order_id) as record_id
    from orders
    left join customers
        on orders.connection_id = customers.connection_id and orders.shop_customer_id = customers.shop_customer_id
    where customers.shop_customer_id is null and (orders.shop_customer_id is not null or orders.email is not null)
),

people as (
    select
        connection_id,
        'shopify' as source,
        'customer' as record_type,
        shop_customer_id as record_id,
        email,
        mailbox,
        is_email_valid,
        case when is_phone_valid then phone end as phone,
        first_name,
        last_name,
        cast(null as varchar) as company,
        city,
        zip,
        country_code,
        language,
        is_deleted,
        true as has_own_name,
        created_at,
        updated_at
    from customers
    union all
    {{ people_known_by_orders('strangers', 'shop_order_id') }}
)

select * from people
