{{ config(materialized='table') }}

-- Names that fit pairwise can still chain two clearly different people through a third, an initial or a record without a
-- name. A cluster that holds such people keeps only the edges that do not rest on a mailbox or on a score alone.
with people as (
    select * from {{ ref('int_people_united') }}
),

proposed as (
    select * from {{ ref('int_identities_proposed') }}
),

edges as (
    select * from {{ ref('int_identity_edges_drawn') }}
),

links as (
    select
        record_number,
        min(root_number) as root_number
    from {{ ref('int_record_links_united') }}
    group by record_number
),

members as (
    select
        proposed.cluster_number as group_key,
        coalesce(links.root_number, people.record_number) as family,
        people.given_key,
        people.surname_key
    from people
    inner join proposed on people.record_number = proposed.record_number
    left join links on people.record_number = links.record_number
),

{{ different_people('members') }},

unchained as (
    select
        edges.record_number,
        edges.other_number,
        edges.reason
    from edges
    inner join proposed on edges.record_number = proposed.record_number
    left join different_people on proposed.cluster_number = different_people.group_key
    where edges.reason not in ('mailbox', 'score') or different_people.group_key is null
)

select * from unchained
