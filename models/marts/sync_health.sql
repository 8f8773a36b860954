with receipts as (
    select * from {{ source('reverse_sync', 'receipts') }}
),

attempts as (
    select * from {{ source('reverse_sync', 'attempts') }}
),

runs as (
    select * from {{ source('reverse_sync', 'runs') }}
),

latest_receipts as (
    select * from receipts
    qualify row_number() over (
        partition by destination, container, membership
        order by checked_at desc, run_id desc
    ) = 1
),

last_equal as (
    select
        destination,
        container,
        membership,
        max(case when is_equal then checked_at end) as last_equal_at
    from receipts
    group by destination, container, membership
),

-- a refusal is of a document, and so of all memberships in its container
waiting as (
    select
        destination,
        container,
        count(*) as count_waiting,
        min(first_tried_at) as oldest_refused_at
    from attempts
    group by destination, container
),

latest_runs as (
    select * from runs
    where kind = 'sync'
    qualify row_number() over (order by started_at desc, run_id desc) = 1
),

sync_health as (
    select
        latest_receipts.destination,
        latest_receipts.container,
        latest_receipts.membership,
        latest_runs.run_id as last_run_id,
        latest_runs.outcome as last_run_outcome,
        cast(latest_receipts.desired as integer) as count_desired,
        cast(latest_receipts.delivered as integer) as count_delivered,
        cast(latest_receipts.actual as integer) as count_actual,
        cast(coalesce(waiting.count_waiting, 0) as integer) as count_waiting,
        latest_receipts.is_equal,
        coalesce(latest_runs.outcome = 'ok', false) and latest_receipts.desired = latest_receipts.delivered as is_healthy,
        {{ utc_timestamp('waiting.oldest_refused_at') }} as oldest_refused_at,
        {{ utc_timestamp('latest_receipts.checked_at') }} as checked_at,
        {{ utc_timestamp('last_equal.last_equal_at') }} as last_equal_at
    from latest_receipts
    inner join last_equal
        on
            latest_receipts.destination = last_equal.destination
            and latest_receipts.container = last_equal.container
            and latest_receipts.membership = last_equal.membership
    left join waiting
        on latest_receipts.destination = waiting.destination and latest_receipts.container = waiting.container
    cross join latest_runs
)

select * from sync_health
