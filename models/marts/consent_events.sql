with stated as (
    select * from {{ ref('int_consent_acts_united') }}
),

jurisdictions as (
    select * from {{ ref('int_mailbox_jurisdictions_decided') }}
),

acts as (
    {%- if remembers_refusals() %}
    select
        stated.event_id,
        stated.record_key,
        stated.connection_id,
        stated.source,
        stated.record_id,
        stated.address,
        stated.mailbox,
        stated.channel,
        stated.purpose,
        stated.brand,
        stated.act,
        stated.reason,
        stated.evidence,
        stated.proof,
        stated.is_origin_dated,
        -- A refusal never grows older, as it would when an old export is loaded again. Anything else was heard of when it
        -- was first heard of: a grant with a date to come would else outweigh what was said since, at each of its changes.
        case
            when remembered.act in ('withdraw', 'block')
                then case
                    when remembered.occurred_at is not null and stated.occurred_at is not null
                        then greatest(stated.occurred_at, remembered.occurred_at)
                end
            else stated.occurred_at
        end as occurred_at,
        case
            when remembered.act in ('withdraw', 'block') then greatest(stated.received_at, remembered.received_at)
            else least(stated.received_at, coalesce(remembered.received_at, stated.received_at))
        end as received_at
    from stated
    left join {{ this }} as remembered on stated.event_id = remembered.event_id
    union all
    -- Nothing ever leaves the ledger. A refusal stands even when the system that told of it has forgotten it: an archived
    -- member, a flag that somebody cleared, an old export. Only a newer act of the person outweighs it. Whatever else is
    -- said no more has lapsed: it permits nothing, and still shows by what somebody was once written to.
    select
        remembered.event_id,
        remembered.record_key,
        remembered.connection_id,
        remembered.source,
        remembered.record_id,
        remembered.address,
        remembered.mailbox,
        remembered.channel,
        remembered.purpose,
        remembered.brand,
        case when remembered.act in ('withdraw', 'block') then remembered.act else 'lapsed' end as act,
        remembered.reason,
        remembered.evidence,
        remembered.proof,
        remembered.is_origin_dated,
        remembered.occurred_at,
        remembered.received_at
    from {{ this }} as remembered
    left join stated on remembered.event_id = stated.event_id
    where stated.event_id is null
    {%- else %}
    select * from stated
    {%- endif %}
),

{{ refusals_inherited('acts') }},

all_acts as (
    {%- set columns = [
        'event_id', 'record_key', 'connection_id', 'source', 'record_id', 'address', 'mailbox', 'channel', 'purpose', 'brand',
        'act', 'reason', 'evidence', 'proof', 'is_origin_dated', 'occurred_at', 'received_at',
    ] | join(', ') %}
    select {{ columns }} from acts
    union all
    select {{ columns }} from inherited
),

consent_events as (
    select
        all_acts.event_id,
        all_acts.record_key,
        all_acts.connection_id,
        all_acts.source,
        all_acts.record_id,
        all_acts.address,
        all_acts.mailbox,
        all_acts.channel,
        all_acts.purpose,
        all_acts.brand,
        all_acts.act,
        all_acts.reason,
        all_acts.evidence,
        all_acts.proof,
        jurisdictions.jurisdiction,
        all_acts.is_origin_dated,
        all_acts.occurred_at,
        all_acts.received_at
    from all_acts
    left join jurisdictions on all_acts.mailbox = jurisdictions.mailbox
)

select * from consent_events
