{{ config(
    materialized='incremental',
    unique_key='event_id',
    incremental_strategy=replacing_rows(),
    on_schema_change='fail',
    post_hook="delete from {{ this }} where event_id not in (select united.event_id from {{ ref('int_web_events_united') }} as united)",
) }}

with united as (
    select * from {{ ref('int_web_events_united') }}
    where event_type in ('page', 'screen', 'track')
),

identities as (
    select * from {{ ref('int_identities_resolved') }}
),

visitors_named as (
    select * from {{ ref('int_web_visitors_named') }}
),

{{ events_to_own('united', [
    'event_id', 'record_key', 'visitor_id', 'connection_id', 'source', 'event_type', 'event_name', 'page_title', 'page_url',
    'page_path', 'page_referrer', 'campaign_source', 'campaign_medium', 'campaign_name', 'properties', 'products', 'is_named',
    'occurred_at', 'load_number',
]) }},

owned as (
    select
        candidates.*,
        coalesce(identities.customer_id, visitors_named.customer_id) as customer_id
    from candidates
    left join identities on candidates.is_named and candidates.record_key = identities.record_key
    left join visitors_named
        on
            not candidates.is_named
            and candidates.record_key = visitors_named.visitor_key
            and (visitors_named.is_only_person or candidates.occurred_at >= visitors_named.named_from)
            and (visitors_named.named_until is null or candidates.occurred_at < visitors_named.named_until)
),

web_events as (
    select
        event_id,
        customer_id,
        connection_id,
        source,
        record_key,
        visitor_id,
        event_type,
        event_name,
        page_title,
        page_url,
        page_path,
        page_referrer,
        campaign_source,
        campaign_medium,
        campaign_name,
        properties,
        products,
        load_number,
        is_named,
        cast(occurred_at as date) as event_date,
        occurred_at
    from owned
    where is_touched or customer_id is distinct from former_customer_id
)

select * from web_events
