-- What is passed on as a refusal, and what decides who may be mailed, are two readings of the same acts: they never disagree.
with standing as (
    select * from {{ ref('int_refusals_standing') }}
),

status as (
    select * from {{ ref('consent_status') }}
    where channel = 'email'
)

select
    standing.event_id,
    standing.purpose,
    standing.brand
from standing
left join status
    on
        standing.mailbox = status.mailbox
        and standing.purpose = status.purpose
        and standing.brand = status.brand
where coalesce(status.decision, 'nobody knows') <> 'deny'
