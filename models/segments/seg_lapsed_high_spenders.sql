with customer_rfm as (
    select * from {{ ref('customer_rfm') }}
),

lapsed_high_spenders as (
    select customer_id
    from customer_rfm
    where monetary_score = 5 and recency_days >= {{ var('lapsed_days') }}
)

select * from lapsed_high_spenders
