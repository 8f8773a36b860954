{{ config(materialized='table') }}

with people as (
    select * from {{ ref('int_people_united') }}
),

mailboxes as (
    select * from {{ ref('int_mailboxes_judged') }}
),

mailbox_phones as (
    select * from {{ ref('int_mailbox_phones_judged') }}
    where not is_shared
),

-- pairs that no rule joins, and whose fields together say that they are one person
scored_pairs as (
    select * from {{ ref('int_identity_pairs_scored') }}
),

-- an ESP keeps an address in the case it was last written in, so addresses that differ in nothing else are one mailbox
points as (
    select
        people.record_number,
        people.given_key,
        people.surname_key,
        contact_points.kind,
        coalesce(contact_points.wide_value, contact_points.value) as value,
        coalesce(mailboxes.is_shared, false) as is_shared
    from {{ ref('int_contact_points_united') }} as contact_points
    inner join people on contact_points.record_key = people.record_key
    left join mailboxes
        on contact_points.kind = 'email' and coalesce(contact_points.wide_value, contact_points.value) = mailboxes.email
    where contact_points.is_valid
),

-- every edge leads to the earliest record of its identifier: a star, never all pairs
vendor_edges as (
    select
        record_number,
        root_number as other_number,
        'vendor' as reason
    from {{ ref('int_record_links_united') }}
),

mailbox_edges as (
    select
        record_number,
        min(record_number) over (partition by value) as other_number,
        'mailbox' as reason
    from points
    where kind = 'email' and not is_shared
),

-- behind a shared mailbox, and behind a phone, only the same full name is the same person; no name, no edge
name_edges as (
    select
        record_number,
        min(record_number) over (partition by kind, value, given_key, surname_key) as other_number,
        kind || ' and name' as reason
    from points
    where given_key is not null and surname_key is not null
),

-- an ESP's name is no evidence, and none is needed where the phone says whose of a shared mailbox a record is
mailbox_phone_edges as (
    select
        record_number,
        min(record_number) over (partition by email, phone) as other_number,
        'email and phone' as reason
    from mailbox_phones
),

score_edges as (
    select
        record_number,
        other_number,
        'score' as reason
    from scored_pairs
    where match_probability >= {{ var('identity_match_probability') }} and not is_contradicted
),

edges as (
    select * from vendor_edges
    union distinct
    select * from mailbox_edges
    union distinct
    select * from name_edges
    union distinct
    select * from mailbox_phone_edges
    union distinct
    select * from score_edges
)

select * from edges
where record_number <> other_number
