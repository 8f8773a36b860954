{{ config(materialized='table') }}

-- What people decided, in both directions. A record that nobody has (any more) is decided of in vain; the seeds' tests
-- name it. Where two words contradict each other, apart is the safer one.
with people as (
    select * from {{ ref('int_people_united') }}
),

must as (
    select
        record_key,
        other_record_key
    from {{ ref('identity_must_link') }}
),

cannot as (
    select
        record_key,
        other_record_key
    from {{ ref('identity_cannot_link') }}
),

told as (
    select
        'must link' as decision,
        record_key,
        other_record_key
    from must
    union distinct
    select
        'must link' as decision,
        other_record_key as record_key,
        record_key as other_record_key
    from must
    union distinct
    select
        'cannot link' as decision,
        record_key,
        other_record_key
    from cannot
    union distinct
    select
        'cannot link' as decision,
        other_record_key as record_key,
        record_key as other_record_key
    from cannot
),

overrides as (
    select
        people.record_number,
        others.record_number as other_number,
        told.decision
    from told
    inner join people on told.record_key = people.record_key
    inner join people as others on told.other_record_key = others.record_key
    where people.record_number <> others.record_number
    qualify row_number() over (
        partition by people.record_number, others.record_number
        order by told.decision asc
    ) = 1
)

select * from overrides
