{{ config(materialized='table') }}

-- Whose side each record takes where people decided that two records are not one person. Everything is worked out among
-- the clusters that hold a record of such a decision, and all others are left alone.
with proposed as (
    select * from {{ ref('int_identities_proposed') }}
),

overrides as (
    select * from {{ ref('int_identity_overrides_united') }}
),

bound as (
    select * from {{ ref('int_records_bound') }}
),

unchained as (
    select * from {{ ref('int_identity_edges_unchained') }}
),

-- where nobody is to be taken apart, all that follows is empty
cuts as (
    select count(*) as count_cuts
    from overrides
    where decision = 'cannot link'
),

clusters as (
    select distinct proposed.cluster_number
    from proposed
    inner join overrides on proposed.record_number = overrides.record_number
    cross join cuts
    where cuts.count_cuts > 0
),

-- from here on, records that are bound together count as one, called after the first of them
members as {{ materialized() }} (
    select
        proposed.record_number as member_number,
        coalesce(bound.bound_number, proposed.record_number) as record_number
    from proposed
    inner join clusters on proposed.cluster_number = clusters.cluster_number
    left join bound on proposed.record_number = bound.record_number
),

evidence as (
    select
        record_number,
        other_number,
        case reason when 'vendor' then 1 when 'mailbox' then 9 else 5 end as weakness
    from unchained
    union all
    select
        other_number as record_number,
        record_number as other_number,
        case reason when 'vendor' then 1 when 'mailbox' then 9 else 5 end as weakness
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
        members.record_number,
        others.record_number as other_number,
        min(evidence.weakness) as weakness
    from evidence
    inner join members on evidence.record_number = members.member_number
    inner join members as others on evidence.other_number = others.member_number
    where members.record_number <> others.record_number
    group by members.record_number, others.record_number
),

apart as {{ materialized() }} (
    select distinct
        members.record_number,
        others.record_number as other_number
    from overrides
    inner join members on overrides.record_number = members.member_number
    inner join members as others on overrides.other_number = others.member_number
    where overrides.decision = 'cannot link'
),

-- what hangs together without the records that are to be apart stays together, and goes with the one of them that it has
-- the strongest evidence for
anchors as (
    select distinct record_number
    from apart
),

followers as (
    select distinct members.record_number
    from members
    left join anchors on members.record_number = anchors.record_number
    where anchors.record_number is null
),

between_followers as (
    select
        links.record_number,
        links.other_number
    from links
    inner join followers as one on links.record_number = one.record_number
    inner join followers as other on links.other_number = other.record_number
),

{{ connected_components('followers', 'between_followers', var('identity_passes')) }},

followed as (
    select
        labels.label,
        anchors.record_number as side_number
    from labels
    inner join links on labels.record_number = links.record_number
    inner join anchors on links.other_number = anchors.record_number
    qualify row_number() over (
        partition by labels.label
        order by links.weakness asc, anchors.record_number asc
    ) = 1
),

first_sides as {{ materialized() }} (
    select
        labels.record_number,
        coalesce(followed.side_number, labels.label) as side_number
    from labels
    left join followed on labels.label = followed.label
    union all
    select
        record_number,
        record_number as side_number
    from anchors
),

{{ joined_sides('first_sides', 'links', 'apart', var('identity_override_passes')) }},

parted as (
    select
        members.member_number as record_number,
        sides.side_number
    from members
    inner join sides on members.record_number = sides.record_number
)

select * from parted
