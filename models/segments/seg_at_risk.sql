with customer_rfm as (
    select * from {{ ref('customer_rfm') }}
),

at_risk as (
    select customer_id
    from customer_rfm
    where rfm_segment = 'at_risk'
)

select * from at_risk
