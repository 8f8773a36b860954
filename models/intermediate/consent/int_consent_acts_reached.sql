{{ config(materialized='table') }}

with events as (
    select * from {{ ref('consent_events') }}
    where act <> 'lapsed'
),

purposes as (
    select * from {{ ref('consent_purposes') }}
),

block_reasons as (
    select * from {{ ref('consent_block_reasons') }}
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

brands as (
    select distinct brand from events
    where brand <> '*'
    union distinct
    select 'default' as brand
),

-- A person who says no under one address has said no under all of them. A block reaches as far as its reason does, and one
-- of unknown reason as far as any. What a system was told by us and says now is about the mailbox alone: it would carry the
-- refusal from one person to the next, through every mailbox that two of them share.
refusals as (
    select
        events.event_id,
        events.record_key,
        events.mailbox
    from events
    left join block_reasons on events.reason = block_reasons.reason
    where
        (events.act = 'withdraw' and events.reason <> 'passed_on')
        or (events.act = 'block' and coalesce(block_reasons.reaches, 'person') = 'person')
),

-- Who refused: the person of the record that tells of it. Where no record of a person does (somebody wrote it into the
-- inbox, or the record is gone) it is everybody who uses the mailbox.
refusers as (
    select
        refusals.event_id,
        identities.customer_id
    from refusals
    inner join identities on refusals.record_key = identities.record_key
    union distinct
    select
        refusals.event_id,
        customer_mailboxes.customer_id
    from refusals
    inner join customer_mailboxes on refusals.mailbox = customer_mailboxes.mailbox
    left join identities on refusals.record_key = identities.record_key
    where identities.record_key is null
),

spread as (
    select
        customer_mailboxes.mailbox,
        refusers.event_id
    from refusers
    inner join customer_mailboxes on refusers.customer_id = customer_mailboxes.customer_id
    union distinct
    select
        mailbox,
        event_id
    from events
),

-- what was passed on and came back says nothing more where the act itself is heard
heard_once as (
    select
        spread.mailbox,
        spread.event_id
    from spread
    left join events as echoes on spread.event_id = echoes.event_id and echoes.reason = 'passed_on'
    left join spread as acts on echoes.evidence = acts.event_id and spread.mailbox = acts.mailbox
    where acts.event_id is null
),

-- What an act is about: its own channel and purpose, or every one when it says *. A refusal of a channel or purpose that
-- nobody has heard of is taken for a refusal of every one; a grant of such permits nothing.
abouts as (
    select distinct
        events.channel,
        events.purpose,
        events.act,
        purposes.channel as reached_channel,
        purposes.purpose as reached_purpose
    from events
    left join purposes as known_channels on events.channel = known_channels.channel
    left join purposes as known_purposes on events.purpose = known_purposes.purpose
    inner join purposes
        on
            (
                events.channel = purposes.channel
                or (known_channels.channel is null and events.act in ('withdraw', 'block'))
            )
            and (
                events.purpose in ('*', purposes.purpose)
                or (known_purposes.purpose is null and events.act in ('withdraw', 'block'))
            )
),

reached as (
    select
        heard_once.mailbox,
        abouts.reached_channel as channel,
        abouts.reached_purpose as purpose,
        brands.brand,
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
    from heard_once
    inner join events on heard_once.event_id = events.event_id
    inner join abouts on events.channel = abouts.channel and events.purpose = abouts.purpose and events.act = abouts.act
    inner join brands on events.brand in ('*', brands.brand)
)

select * from reached
