with engagement as (
    select * from {{ ref('int_engagement_summed') }}
),

-- who was written to often enough to have had the chance, and reacted to nothing
unengaged as (
    select customer_id
    from engagement
    where count_recent_sent >= {{ var('unengaged_deliveries') }} and count_recent_reactions = 0
)

select * from unengaged
