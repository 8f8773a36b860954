-- The memory of ids: which records were which customer, when. It is read before it is written anew, and a full refresh
-- reads it too: no source could tell again who was called what.
with clusters as (
    select * from {{ ref('int_identities_clustered') }}
),

remembered as (
    select
        record_key,
        version,
        customer_id,
        previous_customer_id,
        change,
        began_in_build,
        ended_in_build,
        valid_from,
        valid_to
    {%- if remembers() %}
    from {{ this }}
    {%- else %}
    from (
        select
            cast(null as varchar) as record_key,
            cast(null as bigint) as version,
            cast(null as varchar) as customer_id,
            cast(null as varchar) as previous_customer_id,
            cast(null as varchar) as change,
            cast(null as bigint) as began_in_build,
            cast(null as bigint) as ended_in_build,
            cast(null as timestamp) as valid_from,
            cast(null as timestamp) as valid_to
    ) as nothing
    where record_key is not null
    {%- endif %}
),

-- builds are counted as well, those that change something: clocks stand still in tests, and may be set back
clock as (
    select
        clocks.clock_now,
        coalesce(max(greatest(remembered.began_in_build, coalesce(remembered.ended_in_build, 0))), 0) + 1 as build
    from {{ ref('int_clock_decided') }} as clocks
    left join remembered on true
    group by clocks.clock_now
),

{{ customers_called('clusters', 'remembered') }},

-- what was true until now; a clock that was set back ends nothing before it began
kept as (
    select
        remembered.record_key,
        remembered.version,
        remembered.customer_id,
        remembered.previous_customer_id,
        remembered.change,
        remembered.began_in_build,
        case
            when remembered.valid_to is not null then remembered.ended_in_build
            when customers_called.record_key is null then clock.build
        end as ended_in_build,
        remembered.valid_from,
        case
            when remembered.valid_to is not null then remembered.valid_to
            when customers_called.record_key is null then greatest(clock.clock_now, remembered.valid_from)
        end as valid_to
    from remembered
    cross join clock
    left join customers_called
        on remembered.record_key = customers_called.record_key and remembered.customer_id = customers_called.customer_id
),

alive as (
    select distinct customer_id from customers_called
),

-- a record without an open row of this customer: new, come back, or called otherwise than before
begun as (
    select
        customers_called.record_key,
        customers_called.version + 1 as version,
        customers_called.customer_id,
        case
            when customers_called.previous_customer_id <> customers_called.customer_id
                then customers_called.previous_customer_id
        end as previous_customer_id,
        case
            when customers_called.previous_customer_id is null then 'new'
            when customers_called.previous_customer_id = customers_called.customer_id then 'returned'
            when customers_called.is_newborn then 'split'
            when alive.customer_id is null then 'merged'
            else 'moved'
        end as change,
        clock.build as began_in_build,
        cast(null as bigint) as ended_in_build,
        greatest(clock.clock_now, coalesce(before.valid_to, before.valid_from, clock.clock_now)) as valid_from,
        cast(null as timestamp) as valid_to
    from customers_called
    cross join clock
    left join remembered as before
        on customers_called.record_key = before.record_key and customers_called.version = before.version
    left join alive on customers_called.previous_customer_id = alive.customer_id
    where before.record_key is null or before.valid_to is not null or before.customer_id <> customers_called.customer_id
),

history as (
    select * from kept
    union all
    select * from begun
)

select
    record_key,
    cast(version as bigint) as version,
    customer_id,
    previous_customer_id,
    change,
    cast(began_in_build as bigint) as began_in_build,
    cast(ended_in_build as bigint) as ended_in_build,
    valid_from,
    valid_to
from history
