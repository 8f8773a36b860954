with web_events as (
    select * from {{ ref('web_events') }}
),

-- somebody else at the same browser has a visit of their own
followed as (
    select
        *,
        lag(occurred_at) over (
            partition by connection_id, visitor_id, coalesce(customer_id, '')
            order by occurred_at asc, event_id asc
        ) as former_at
    from web_events
),

begun as (
    select
        *,
        case
            when former_at is null then 1
            when occurred_at >= {{ dbt.dateadd('minute', var('session_minutes'), 'former_at') }} then 1
            else 0
        end as begins
    from followed
),

numbered as (
    select
        *,
        sum(begins) over (
            partition by connection_id, visitor_id, coalesce(customer_id, '')
            order by occurred_at asc, event_id asc
            rows between unbounded preceding and current row
        ) as session_number
    from begun
),

placed as (
    select
        *,
        row_number() over (
            partition by connection_id, visitor_id, coalesce(customer_id, ''), session_number
            order by occurred_at asc, event_id asc
        ) as place
    from numbered
),

-- a session is called after the event that began it
sessions as (
    select
        max(case when place = 1 then event_id end) as session_id,
        customer_id,
        connection_id,
        visitor_id,
        max(case when place = 1 then page_path end) as first_page_path,
        max(case when place = 1 then page_referrer end) as page_referrer,
        max(case when place = 1 then campaign_source end) as campaign_source,
        max(case when place = 1 then campaign_medium end) as campaign_medium,
        max(case when place = 1 then campaign_name end) as campaign_name,
        count(*) as count_events,
        cast(sum(case when event_type in ('page', 'screen') then 1 else 0 end) as bigint) as count_pages,
        max(case when event_name = 'Order Completed' then 1 else 0 end) = 1 as has_ordered,
        cast(min(occurred_at) as date) as session_date,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at
    from placed
    group by connection_id, visitor_id, customer_id, session_number
)

select * from sessions
