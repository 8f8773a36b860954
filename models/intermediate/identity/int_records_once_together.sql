{{ config(materialized='table') }}

-- Two records that were one customer at the same time and are no more. A record that is gone since may have been anybody's
-- mate; one that is still there has a customer of its own.
with history as (
    select * from {{ ref('customer_id_history') }}
),

changed as (
    select distinct customer_id
    from history
    where valid_to is not null
),

stretches as {{ materialized() }} (
    select
        history.record_key,
        history.customer_id,
        history.began_in_build,
        coalesce(history.ended_in_build, 9223372036854775807) as ended_in_build,
        coalesce(history.valid_to, cast('9999-12-31' as timestamp)) as valid_to
    from history
    inner join changed on history.customer_id = changed.customer_id
),

now_called as (
    select
        record_key,
        customer_id
    from history
    where valid_to is null
),

together as (
    select
        mine.record_key,
        theirs.record_key as other_record_key,
        max(least(mine.valid_to, theirs.valid_to)) as parted_at
    from stretches as mine
    inner join stretches as theirs
        on
            mine.customer_id = theirs.customer_id
            and mine.record_key <> theirs.record_key
            and mine.began_in_build < theirs.ended_in_build
            and theirs.began_in_build < mine.ended_in_build
    group by mine.record_key, theirs.record_key
),

once_together as (
    select
        together.record_key,
        together.other_record_key,
        together.parted_at
    from together
    inner join now_called on together.record_key = now_called.record_key
    left join now_called as theirs on together.other_record_key = theirs.record_key
    where theirs.customer_id is null or now_called.customer_id <> theirs.customer_id
)

select * from once_together
