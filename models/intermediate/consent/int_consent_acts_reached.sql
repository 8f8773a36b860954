{{ config(materialized='table') }}

with events as (
    select * from {{ ref('consent_events') }}
),

purposes as (
    select * from {{ ref('consent_purposes') }}
),

identities as (
    select * from {{ ref('int_identities_resolved') }}
),

customer_mailboxes as (
    select distinct
        customer_id,
        mailbox
    from {{ ref('int_customer_mailboxes_collected') }}
),

-- Whom an act speaks for: the person of the record that tells of it. Where no record of a person does (somebody wrote it
-- into the inbox, or the record is gone) it is everybody who uses the mailbox.
spoken_for as (
    select
        events.event_id,
        identities.customer_id
    from events
    inner join identities on events.record_key = identities.record_key
    union distinct
    select
        events.event_id,
        customer_mailboxes.customer_id
    from events
    inner join customer_mailboxes on events.mailbox = customer_mailboxes.mailbox
    left join identities on events.record_key = identities.record_key
    where identities.record_key is null
),

-- a person who says no under one address has said no under all of them; a bounce is about the address alone
spread as (
    select
        customer_mailboxes.mailbox,
        events.event_id
    from events
    inner join spoken_for on events.event_id = spoken_for.event_id
    inner join customer_mailboxes on spoken_for.customer_id = customer_mailboxes.customer_id
    where
        events.act in ('withdraw', 'block')
        and events.reason not in ('hard_bounce', 'role_address')
    union distinct
    select
        mailbox,
        event_id
    from events
),

reached as (
    select
        spread.mailbox,
        events.channel,
        purposes.purpose,
        events.brand,
        events.event_id,
        events.address,
        events.act,
        events.reason,
        events.proof,
        -- nothing happens later than it was heard of, give or take five minutes of clocks; unknown stays unknown
        case
            when events.occurred_at is not null
                then least(events.occurred_at, {{ dbt.dateadd('minute', 5, 'events.received_at') }})
        end as effective_at
    from spread
    inner join events on spread.event_id = events.event_id
    inner join purposes on events.channel = purposes.channel and events.purpose in ('*', purposes.purpose)
)

select * from reached
