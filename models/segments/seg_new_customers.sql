with purchases as (
    select * from {{ ref('customer_purchase_summary') }}
),

new_customers as (
    select customer_id
    from purchases
    where age_days < {{ var('new_customer_days') }}
)

select * from new_customers
