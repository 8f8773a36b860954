{{ config(materialized='table') }}

with united as (
    select * from {{ ref('int_consent_acts_heard') }}
),

derived as (
    select * from {{ ref('int_consent_acts_derived') }}
),

identities as (
    select * from {{ ref('int_identities_resolved') }}
),

customer_mailboxes as (
    select * from {{ ref('int_customer_mailboxes_collected') }}
),

evidence_rules as (
    select * from {{ ref('consent_evidence') }}
),

inbox_acts as (
    select * from {{ ref('int_inbox__consent_acts') }}
),

keyed as (
    select
        {{ record_key('united') }} as record_key,
        united.*
    from united
),

-- who said no without an address in that system is heard in the others
addressed as (
    select
        keyed.record_key,
        keyed.connection_id,
        keyed.source,
        keyed.record_id,
        coalesce(keyed.address, customer_mailboxes.email) as address,
        coalesce(keyed.mailbox, customer_mailboxes.mailbox) as mailbox,
        keyed.purpose,
        keyed.act,
        keyed.reason,
        keyed.evidence,
        keyed.is_origin_dated,
        keyed.occurred_at,
        keyed.received_at
    from keyed
    left join identities on keyed.record_key = identities.record_key
    left join customer_mailboxes
        on keyed.mailbox is null and keyed.act <> 'grant' and identities.customer_id = customer_mailboxes.customer_id
    where coalesce(keyed.mailbox, customer_mailboxes.mailbox) is not null
),

-- The wording of a source decides what its word proves. Only what is dated and proven is an act of the person; all else
-- is a state, as a flag is.
judged as (
    select
        addressed.*,
        case
            when addressed.act = 'grant' and addressed.occurred_at is not null then coalesce(evidence_rules.proof, 'none')
            when addressed.act = 'grant' then 'none'
        end as proof,
        case
            when
                addressed.act = 'grant'
                and (addressed.occurred_at is null or not coalesce(evidence_rules.is_act, false)) then 'state'
            else addressed.act
        end as judged_act,
        row_number() over (
            partition by
                addressed.record_key, addressed.address, addressed.purpose, addressed.act,
                addressed.reason, addressed.evidence, addressed.is_origin_dated, addressed.occurred_at, addressed.received_at
            order by evidence_rules.priority asc nulls last
        ) as rule_rank
    from addressed
    left join evidence_rules
        on
            addressed.act = 'grant'
            and addressed.source = evidence_rules.source
            and addressed.evidence like evidence_rules.evidence_like
),

acts as (
    select
        record_key,
        connection_id,
        source,
        record_id,
        address,
        mailbox,
        purpose,
        judged_act as act,
        reason,
        evidence,
        proof,
        is_origin_dated,
        occurred_at,
        received_at
    from judged
    where rule_rank = 1
    union all
    select
        record_key,
        connection_id,
        source,
        record_id,
        address,
        mailbox,
        '*' as purpose,
        act,
        reason,
        null as evidence,
        null as proof,
        is_origin_dated,
        occurred_at,
        received_at
    from derived
),

-- times after the clock's now are not known yet: they were received now
dated as (
    select
        record_key,
        connection_id,
        source,
        record_id,
        address,
        mailbox,
        'email' as channel,
        purpose,
        'default' as brand,
        act,
        reason,
        evidence,
        proof,
        is_origin_dated,
        occurred_at,
        least(coalesce(received_at, {{ clock_now() }}), {{ clock_now() }}) as received_at
    from acts
),

identified as (
    select
        *,
        {{ dbt.hash(
            "mailbox || '|' || address || '|' || channel || '|' || purpose || '|' || brand || '|' || act || '|' || reason"
            ~ " || '|' || record_key || '|' || coalesce(evidence, '')"
            ~ " || '|' || case when is_origin_dated then coalesce(cast(occurred_at as varchar), '') else '' end"
        ) }} as event_id
    from dated
),

told as (
    select * from identified
    qualify row_number() over (partition by event_id order by occurred_at desc nulls first, received_at asc) = 1
),

everything as (
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
    from told
    union all
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
    from inbox_acts
    where mailbox is not null
)

select * from everything
