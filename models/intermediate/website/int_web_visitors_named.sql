{{ config(materialized='table') }}

with web_events as (
    select * from {{ ref('int_web_events_united') }}
    where is_named and visitor_key is not null
),

identities as (
    select * from {{ ref('int_identities_resolved') }}
),

-- who was known to be at a browser at a moment
namings as (
    select
        web_events.visitor_key,
        web_events.occurred_at,
        web_events.event_id,
        identities.customer_id,
        lag(identities.customer_id) over (
            partition by web_events.visitor_key
            order by web_events.occurred_at asc, web_events.event_id asc
        ) as former_customer_id
    from web_events
    inner join identities on web_events.record_key = identities.record_key
),

changes as (
    select * from namings
    where former_customer_id is null or customer_id <> former_customer_id
),

-- A browser is whose it was named for last. Of one that only ever was one person's, all that came before is theirs as well;
-- of one that several used, nobody can say who was there before the first of them was named.
visitors_named as (
    select
        visitor_key,
        customer_id,
        count(*) over (partition by visitor_key) = 1 as is_only_person,
        occurred_at as named_from,
        lead(occurred_at) over (partition by visitor_key order by occurred_at asc, event_id asc) as named_until
    from changes
)

select * from visitors_named
