{{ config(materialized='view') }}

-- Pairs at random, which are nearly all of different people: what they agree on is agreement by chance. Only training reads
-- them. Records in the order of a hash, each paired with those so many places further on: no pair comes twice.
with cleaned as (
    select * from {{ ref('int_identity_records_cleaned') }}
),

shuffled as {{ materialized() }} (
    select
        record_number,
        row_number() over (order by {{ dbt.hash('record_number') }}) - 1 as place
    from cleaned
),

measured as (
    select
        count(*) as count_records,
        least(
            floor((count(*) - 1) / 2),
            ceil(cast({{ var('identity_sample_pairs') }} as double) / greatest(count(*), 1))
        ) as count_steps
    from shuffled
),

steps as (
    select shuffled.place * floor((measured.count_records - 1) / 2 / measured.count_steps) as step
    from shuffled
    cross join measured
    where shuffled.place between 1 and measured.count_steps
),

distances as (
    select
        shuffled.record_number,
        mod(shuffled.place + steps.step, measured.count_records) as other_place
    from shuffled
    cross join steps
    cross join measured
),

pairs as (
    select
        distances.record_number,
        others.record_number as other_number
    from distances
    inner join shuffled as others on distances.other_place = others.place
),

{{ identity_compared('pairs') }}

select * from compared
