with engagement as (
    select * from {{ ref('int_engagement_summed') }}
),

customers as (
    select * from {{ ref('customers') }}
),

-- who was written to often enough to have had the chance, and reacted to nothing
unengaged as (
    select engagement.customer_id
    from engagement
    inner join customers on engagement.customer_id = customers.customer_id
    where engagement.count_recent_sent >= {{ var('unengaged_deliveries') }} and engagement.count_recent_reactions = 0
)

select * from unengaged
