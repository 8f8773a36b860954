with reached as (
    select * from {{ ref('int_consent_acts_reached') }}
    where channel = 'email'
),

block_reasons as (
    select * from {{ ref('consent_block_reasons') }}
),

judged as (
    select
        reached.mailbox,
        reached.purpose,
        reached.brand,
        reached.event_id,
        reached.act,
        reached.reason,
        reached.effective_at,
        coalesce(block_reasons.reaches, 'person') as reaches,
        max(case when reached.act = 'grant' and reached.proof <> 'none' then reached.effective_at end)
            over (partition by reached.mailbox, reached.purpose, reached.brand) as last_granted_at
    from reached
    left join block_reasons on reached.reason = block_reasons.reason
),

-- Somebody's word, or a decision about a person. That an address bounced, or that a record went away, is neither: nothing
-- is sent there, but no other system is told that the person refused.
refusals as (
    select
        mailbox,
        purpose,
        brand,
        event_id,
        act,
        reason,
        effective_at as refused_at
    from judged
    where
        (act = 'block' and reaches = 'person')
        or (
            act = 'withdraw'
            and reason not in ('archived_in_esp', 'deleted_from_esp', 'gone_from_esp')
            and (last_granted_at is null or effective_at is null or effective_at >= last_granted_at)
        )
),

standing as (
    select * from refusals
    qualify row_number() over (
        partition by mailbox, purpose, brand
        order by case when act = 'block' then 0 else 1 end asc, refused_at desc nulls first, event_id asc
    ) = 1
)

select * from standing
