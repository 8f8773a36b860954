{{ config(materialized='table') }}

-- Whose side each record takes where people decided that two records are not one person. Everything is worked out among
-- the clusters that hold a record of such a decision, and all others are left alone.
with proposed as (
    select * from {{ ref('int_identities_proposed') }}
),

overrides as (
    select * from {{ ref('int_identity_overrides_united') }}
),

unchained as (
    select * from {{ ref('int_identity_edges_unchained') }}
),

apart as (
    select
        record_number,
        other_number
    from overrides
    where decision = 'cannot link'
),

anchors as (
    select distinct record_number
    from apart
),

-- an empty seed makes all that follows empty
clusters as (
    select distinct proposed.cluster_number
    from proposed
    inner join overrides on proposed.record_number = overrides.record_number
    where exists (select 1 from apart)
),

members as {{ materialized() }} (
    select proposed.record_number
    from proposed
    inner join clusters on proposed.cluster_number = clusters.cluster_number
),

evidence as (
    select
        unchained.record_number,
        unchained.other_number,
        case unchained.reason when 'vendor' then 1 when 'mailbox' then 9 else 5 end as weakness
    from unchained
    union all
    select
        record_number,
        other_number,
        0 as weakness
    from overrides
    where decision = 'must link'
),

links as {{ materialized() }} (
    select
        evidence.record_number,
        evidence.other_number,
        min(evidence.weakness) as weakness
    from (
        select * from evidence
        union all
        select
            other_number as record_number,
            record_number as other_number,
            weakness
        from evidence
    ) as evidence
    inner join members on evidence.record_number = members.record_number
    group by evidence.record_number, evidence.other_number
),

-- what hangs together without the records that were decided of stays together, and goes with the one of them that it has
-- the strongest evidence for
others as (
    select members.record_number
    from members
    left join anchors on members.record_number = anchors.record_number
    where anchors.record_number is null
),

between_others as (
    select
        links.record_number,
        links.other_number
    from links
    inner join others as one on links.record_number = one.record_number
    inner join others as other on links.other_number = other.record_number
),

{{ connected_components('others', 'between_others', var('identity_passes')) }},

followed as (
    select
        labels.label,
        links.other_number as side_number
    from labels
    inner join links on labels.record_number = links.record_number
    inner join anchors on links.other_number = anchors.record_number
    qualify row_number() over (
        partition by labels.label
        order by links.weakness asc, links.other_number asc
    ) = 1
),

sides_0 as {{ materialized() }} (
    select
        labels.record_number,
        coalesce(followed.side_number, labels.label) as side_number
    from labels
    left join followed on labels.label = followed.label
    union all
    select
        members.record_number,
        members.record_number as side_number
    from members
    inner join anchors on members.record_number = anchors.record_number
),

{{ joined_sides('sides_0', 'links', 'apart', var('identity_override_passes')) }},

parted as (
    select * from sides
)

select * from parted
