{{ config(materialized='table') }}

-- Two records that were one customer at the same time and are no more. A record that is gone since may have been anybody's
-- mate; one that is still there has a customer of its own.
with history as (
    select
        record_key,
        customer_id,
        began_in_build,
        coalesce(ended_in_build, 9223372036854775807) as ended_in_build,
        coalesce(valid_to, cast('9999-12-31' as timestamp)) as valid_to,
        valid_to is null as is_open
    from {{ ref('customer_id_history') }}
),

now_called as (
    select
        record_key,
        customer_id
    from history
    where is_open
),

-- of two that are apart at least one has left: a large customer whom nobody leaves is not looked at
ended as (
    select * from history
    where not is_open
),

met as (
    select
        ended.record_key,
        others.record_key as other_record_key,
        least(ended.valid_to, others.valid_to) as parted_at
    from ended
    inner join history as others
        on
            ended.customer_id = others.customer_id
            and ended.record_key <> others.record_key
            and ended.began_in_build < others.ended_in_build
            and others.began_in_build < ended.ended_in_build
),

together as (
    select
        record_key,
        other_record_key,
        parted_at
    from met
    union all
    select
        other_record_key as record_key,
        record_key as other_record_key,
        parted_at
    from met
),

once_together as (
    select
        together.record_key,
        together.other_record_key,
        max(together.parted_at) as parted_at
    from together
    inner join now_called on together.record_key = now_called.record_key
    left join now_called as theirs on together.other_record_key = theirs.record_key
    where theirs.customer_id is null or now_called.customer_id <> theirs.customer_id
    group by together.record_key, together.other_record_key
)

select * from once_together
