{{ config(materialized='table') }}

with addresses as (
    select * from {{ ref('int_profile_addresses_chosen') }}
),

customers as (
    select * from {{ ref('customers') }}
),

customer_rfm as (
    select * from {{ ref('customer_rfm') }}
),

customer_orders as (
    select * from {{ ref('int_customer_orders_summed') }}
),

known_customers as (
    select * from {{ ref('int_customers_known') }}
),

-- one document a mailbox: of the persons who share it, the one who ordered last speaks, then the lowest id of those
-- whom a system of their own knows
speakers as (
    select
        addresses.mailbox,
        addresses.email,
        addresses.customer_id as speaker_id
    from addresses
    left join customer_orders on addresses.customer_id = customer_orders.customer_id
    left join known_customers on addresses.customer_id = known_customers.customer_id
    qualify row_number() over (
        partition by addresses.mailbox
        order by
            customer_orders.last_ordered_at desc nulls last,
            case when known_customers.customer_id is null then 1 else 0 end asc,
            addresses.customer_id asc
    ) = 1
),

-- no field says anything that changes merely because a day has passed
profiles as (
    select
        addresses.customer_id,
        speakers.email,
        addresses.mailbox,
        speakers.speaker_id as profile_customer_id,
        customers.first_name,
        customers.last_name,
        customers.country_code,
        customer_rfm.rfm_segment,
        cast(round(customers.net_spend, 2) as decimal(18, 2)) as lifetime_spend,
        customers.last_order_date
    from addresses
    inner join speakers on addresses.mailbox = speakers.mailbox
    inner join customers on speakers.speaker_id = customers.customer_id
    left join customer_rfm on speakers.speaker_id = customer_rfm.customer_id
)

select * from profiles
