-- The bounds of each measure follow one another, and only the last is open.
with thresholds as (
    select
        measure,
        from_value,
        below_value,
        lead(from_value) over (partition by measure order by from_value asc) as next_value,
        count(*) over (partition by measure) as count_scores
    from {{ ref('rfm_thresholds') }}
)

select * from thresholds
where below_value is distinct from next_value or count_scores <> 5
