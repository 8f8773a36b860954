{{ config(materialized='table') }}

with email_events as (
    select * from {{ ref('email_events') }}
    where customer_id is not null and event_date <= {{ as_of_date() }}
),

windowed as (
    select
        *,
        event_date > {{ dbt.dateadd('day', -var('unengaged_days'), as_of_date()) }} as is_recent
    from email_events
),

summed as (
    select
        customer_id,
        sum(case when event_type = 'sent' then 1 else 0 end) as count_sent,
        sum(case when event_type = 'open' then 1 else 0 end) as count_opens,
        sum(case when event_type = 'click' then 1 else 0 end) as count_clicks,
        sum(case when event_type = 'sent' and is_recent then 1 else 0 end) as count_recent_sent,
        sum(case when event_type in ('open', 'click') and is_recent then 1 else 0 end) as count_recent_reactions,
        max(case when event_type in ('open', 'click') then occurred_at end) as last_reacted_at
    from windowed
    group by customer_id
)

select * from summed
