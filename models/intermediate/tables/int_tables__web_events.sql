{{ config(enabled=own_tables() | length > 0) }}

with events as (
    select * from {{ ref('stg_tables__events') }}
),

web_events as (
    select
        connection_id,
        source,
        own_event_id as source_event_id,
        event_type,
        event_name,
        case when own_contact_id is not null then 'own_contact' else 'visitor' end as record_type,
        coalesce(own_contact_id, visitor_id) as record_id,
        visitor_id as visitor,
        cast(null as varchar) as page_title,
        page_url,
        page_path,
        cast(null as varchar) as page_referrer,
        cast(null as varchar) as campaign_source,
        cast(null as varchar) as campaign_medium,
        cast(null as varchar) as campaign_name,
        properties,
        cast(null as varchar) as products,
        own_contact_id is not null as is_named,
        occurred_at,
        load_number
    from events
)

select * from web_events
