with reached as (
    select * from {{ ref('int_consent_acts_reached') }}
),

policies as (
    select * from {{ ref('int_mailbox_jurisdictions_decided') }}
),

strictest as (
    select * from {{ ref('jurisdictions') }}
    where country_code = '*'
),

purposes as (
    select * from {{ ref('consent_purposes') }}
),

block_reasons as (
    select * from {{ ref('consent_block_reasons') }}
),

clock as (
    select clock_now from {{ ref('int_clock_decided') }}
),

-- What the place asks of each act's mailbox: the strictest that there is where no place is known.
judged as (
    select
        reached.*,
        clock.clock_now,
        purposes.is_opt_in_only,
        coalesce(policies.jurisdiction, strictest.jurisdiction) as jurisdiction,
        -- a block of unknown reason is never cleared
        coalesce(block_reasons.cleared_by, 'nothing') as cleared_by,
        case reached.proof when 'double_opt_in' then 2 when 'single_opt_in' then 1 else 0 end as proof_rank,
        case
            when coalesce(policies.proof_required, strictest.proof_required) = 'opt_in' then 1
            when coalesce(policies.proof_required, strictest.proof_required) <> 'none' then 2
            when purposes.is_opt_in_only then 1
            else 0
        end as proof_needed,
        -- for how many months after it an act that is no grant is taken for one, where it is
        case
            when purposes.is_opt_in_only or reached.act <> 'imply' then 0
            when reached.reason = 'inquiry'
                then coalesce(policies.implied_months_after_inquiry, strictest.implied_months_after_inquiry)
            when reached.reason = 'purchase_with_opt_out'
                then greatest(
                    coalesce(policies.implied_months_after_purchase, strictest.implied_months_after_purchase),
                    coalesce(policies.soft_opt_in_months, strictest.soft_opt_in_months)
                )
            when reached.reason = 'purchase'
                then coalesce(policies.implied_months_after_purchase, strictest.implied_months_after_purchase)
            else 0
        end as implied_months
    from reached
    cross join strictest
    cross join clock
    inner join purposes on reached.channel = purposes.channel and reached.purpose = purposes.purpose
    left join policies on reached.mailbox = policies.mailbox
    left join block_reasons on reached.reason = block_reasons.reason
),

-- A refusal of unknown time counts as newer than everything; a grant of unknown time is older than everything.
withdrawn as (
    select
        *,
        max(case when act = 'withdraw' then coalesce(effective_at, cast('9999-12-31' as timestamp)) end)
            over (partition by mailbox, channel, purpose, brand) as last_withdrawn_at
    from judged
),

-- What a person did before they last withdrew counts for nothing, and neither does what nothing proves.
granted as (
    select
        *,
        act = 'grant' and proof_rank > 0
        and (last_withdrawn_at is null or effective_at > last_withdrawn_at) as is_standing_grant
    from withdrawn
),

acts as (
    select
        *,
        max(case when is_standing_grant then effective_at end)
            over (partition by mailbox, channel, purpose, brand) as last_granted_at,
        max(case when is_standing_grant and proof = 'double_opt_in' then effective_at end)
            over (partition by mailbox, channel, purpose, brand) as last_confirmed_at
    from granted
),

-- Each act pleads for one decision; the plea of the lowest rank wins.
pleas as (
    select
        *,
        case
            -- complaints and other blocks, which nothing clears
            when act = 'block' and cleared_by <> 'confirmed_opt_in' then 10
            -- a bounce and the like, until the address is proven again by a confirmed opt-in
            when
                act = 'block'
                and (last_confirmed_at is null or effective_at is null or last_confirmed_at <= effective_at) then 20
            -- a withdrawal, until the person has acted again; a tie is a withdrawal
            when act = 'withdraw' and last_granted_at is null then 30
            -- an act of the person, newer than any withdrawal, proven as the place demands
            when is_standing_grant and proof_needed > 0 and proof_rank >= proof_needed then 40
            -- a flag never beats a withdrawal, and needs proof as well
            when
                act = 'state' and proof_needed > 0 and proof_rank >= proof_needed
                and last_withdrawn_at is null then 50
            -- a purchase or an inquiry, where the place takes it for consent, for a time
            when
                implied_months > 0 and last_withdrawn_at is null
                and {{ dbt.dateadd('month', 'implied_months', 'effective_at') }} >= clock_now then 60
            -- where writing is allowed until somebody objects
            when
                proof_needed = 0 and act in ('grant', 'state', 'imply', 'collect')
                and (last_withdrawn_at is null or last_granted_at is not null) then 70
            when act in ('grant', 'state') then 80
            when implied_months > 0 then 90
            when act in ('imply', 'collect') then 100
        end as plea_rank
    from acts
),

decided as (
    select
        mailbox,
        channel,
        purpose,
        brand,
        case when plea_rank between 40 and 79 then 'allow' else 'deny' end as decision,
        case
            when plea_rank < 40 then reason
            when plea_rank in (40, 50) then proof
            when plea_rank = 60 and reason = 'inquiry' then 'implied_by_inquiry'
            when plea_rank = 60 then 'implied_by_purchase'
            when plea_rank = 70 then 'no_objection'
            when plea_rank = 80 then 'no_proof'
            when plea_rank = 90 then 'implied_consent_expired'
            else 'no_consent'
        end as reason,
        event_id,
        case when plea_rank between 40 and 79 then address end as address,
        jurisdiction,
        effective_at,
        clock_now as decided_at
    from pleas
    where plea_rank is not null
    qualify row_number() over (
        partition by mailbox, channel, purpose, brand
        order by
            plea_rank asc,
            -- of several refusals the first unanswered one is of no more weight than the last; of acts, the latest
            case when act = 'grant' then 0 when act = 'state' then 1 when act = 'imply' then 2 else 3 end asc,
            case when effective_at is null and plea_rank <= 30 then 0 else 1 end asc,
            effective_at desc nulls last,
            event_id asc
    ) = 1
)

select * from decided
