with acts as (
    select * from {{ ref('stg_inbox__consent_acts') }}
),

clock as (
    select clock_now from {{ ref('int_clock_decided') }}
),

-- What the inbox takes is an act already: it asks for a grant's proof when it is recorded, so no wording is judged here.
-- The act belongs to no record of a system; it speaks for everybody who uses the mailbox.
consent_acts as (
    select
        acts.event_id,
        acts.connection_id || '/act/' || acts.event_id as record_key,
        acts.connection_id,
        acts.act_source as source,
        acts.event_id as record_id,
        acts.email as address,
        acts.mailbox,
        acts.channel,
        acts.purpose,
        acts.brand,
        acts.act,
        acts.reason,
        acts.evidence,
        case when acts.act = 'grant' then coalesce(acts.proof, 'none') end as proof,
        acts.occurred_at is not null as is_origin_dated,
        acts.occurred_at,
        least(acts.received_at, clock.clock_now) as received_at
    from acts
    cross join clock
)

select * from consent_acts
