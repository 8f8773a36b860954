{{ config(materialized='table') }}

-- What people decided counts for more than any evidence: they add edges, and take away whatever leads from one side of a
-- decision to the other.
with edges as (
    select * from {{ ref('int_identity_edges_unchained') }}
),

overrides as (
    select * from {{ ref('int_identity_overrides_united') }}
),

sides as (
    select * from {{ ref('int_identities_parted') }}
),

evidence as (
    select
        record_number,
        other_number,
        reason
    from edges
    union all
    select
        record_number,
        other_number,
        decision as reason
    from overrides
    where decision = 'must link' and record_number > other_number
),

confirmed as (
    select
        evidence.record_number,
        evidence.other_number,
        evidence.reason
    from evidence
    left join sides on evidence.record_number = sides.record_number
    left join sides as others on evidence.other_number = others.record_number
    where sides.side_number is null or sides.side_number = others.side_number
)

select * from confirmed
