-- The propagation of identity has come to rest: both ends of every edge are one person. A failure asks for a larger
-- `identity_passes`.
with edges as (
    select * from {{ ref('int_identity_edges_guarded') }}
),

identities as (
    select * from {{ ref('int_identities_resolved') }}
),

torn as (
    select
        edges.record_number,
        edges.other_number
    from edges
    inner join identities as one on edges.record_number = one.record_number
    inner join identities as other on edges.other_number = other.record_number
    where one.customer_id <> other.customer_id
)

select * from torn
