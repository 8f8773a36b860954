with events as (
    select * from {{ ref('stg_segment__events') }}
),

named as (
    select
        *,
        user_id is not null or (event_type = 'identify' and email is not null) as is_named
    from events
),

told as (
    select
        *,
        segment_event_id as source_event_id,
        case when user_id is not null then 'user' else 'visitor' end as record_type,
        coalesce(user_id, anonymous_id) as record_id,
        anonymous_id as visitor
    from named
    union all
    -- an alias also says whose the browser was that it names
    select
        *,
        segment_event_id || '/previous' as source_event_id,
        'user' as record_type,
        user_id as record_id,
        previous_id as visitor
    from named
    where event_type = 'alias' and previous_id is not null
),

web_events as (
    select
        connection_id,
        'segment' as source,
        source_event_id,
        event_type,
        event_name,
        record_type,
        record_id,
        visitor,
        page_title,
        page_url,
        page_path,
        page_referrer,
        campaign_source,
        campaign_medium,
        campaign_name,
        properties,
        products,
        is_named,
        occurred_at,
        load_number
    from told
)

select * from web_events
