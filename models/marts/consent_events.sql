with stated as (
    select * from {{ ref('int_consent_acts_united') }}
),

jurisdictions as (
    select * from {{ ref('int_mailbox_jurisdictions_decided') }}
),

acts as (
    select
        event_id,
        record_key,
        connection_id,
        source,
        record_id,
        address,
        mailbox,
        channel,
        purpose,
        brand,
        act,
        reason,
        evidence,
        proof,
        is_origin_dated,
        occurred_at,
        received_at
    from stated
    {%- if remembers_refusals() %}
    union all
    -- A refusal once heard stays, even when the system that told of it has forgotten it: an archived member, a flag
    -- that somebody cleared, an old export loaded again. Only a newer act of the person outweighs it.
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
        remembered.act,
        remembered.reason,
        remembered.evidence,
        remembered.proof,
        remembered.is_origin_dated,
        remembered.occurred_at,
        remembered.received_at
    from {{ this }} as remembered
    left join stated on remembered.event_id = stated.event_id
    where remembered.act in ('withdraw', 'block') and stated.event_id is null
    {%- endif %}
),

consent_events as (
    select
        acts.event_id,
        acts.record_key,
        acts.connection_id,
        acts.source,
        acts.record_id,
        acts.address,
        acts.mailbox,
        acts.channel,
        acts.purpose,
        acts.brand,
        acts.act,
        acts.reason,
        acts.evidence,
        acts.proof,
        jurisdictions.jurisdiction,
        acts.is_origin_dated,
        acts.occurred_at,
        acts.received_at
    from acts
    left join jurisdictions on acts.mailbox = jurisdictions.mailbox
)

select * from consent_events
