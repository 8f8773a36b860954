-- No subscriber's mailbox has a refusal of the newsletter, or of everything, that no newer act of theirs has outweighed, read
-- from the ledger by another way than consent_status goes.
with subscribers as (
    select profiles.mailbox
    from {{ ref('seg_newsletter_subscribers') }} as segment
    inner join {{ ref('int_profiles_composed') }} as profiles on segment.customer_id = profiles.customer_id
),

refusals as (
    select
        mailbox,
        max(case
            when occurred_at is null then cast('9999-12-31' as timestamp)
            else least(occurred_at, {{ dbt.dateadd('minute', 5, 'received_at') }})
        end) as refused_at
    from {{ ref('consent_events') }}
    where
        act in ('withdraw', 'block')
        and brand in ('*', 'default')
        and purpose in ('*', 'marketing_email')
    group by mailbox
),

grants as (
    select
        mailbox,
        max(least(occurred_at, {{ dbt.dateadd('minute', 5, 'received_at') }})) as granted_at
    from {{ ref('consent_events') }}
    where act = 'grant' and brand = 'default' and purpose = 'marketing_email'
    group by mailbox
)

select subscribers.mailbox
from subscribers
inner join refusals on subscribers.mailbox = refusals.mailbox
left join grants on subscribers.mailbox = grants.mailbox
where grants.granted_at is null or grants.granted_at <= refusals.refused_at
