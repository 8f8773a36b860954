with customer_rfm as (
    select * from {{ ref('customer_rfm') }}
),

champions as (
    select customer_id
    from customer_rfm
    where rfm_segment = 'champions'
)

select * from champions
