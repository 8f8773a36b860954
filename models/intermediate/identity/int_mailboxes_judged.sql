{{ config(materialized='table') }}

with people as (
    select * from {{ ref('int_people_united') }}
),

contact_points as (
    select * from {{ ref('int_contact_points_united') }}
    where kind = 'email' and is_valid
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
        coalesce(contact_points.wide_value, contact_points.value) as group_key,
        coalesce(links.root_number, people.record_number) as family,
        people.given_key,
        people.surname_key
    from contact_points
    inner join people on contact_points.record_key = people.record_key
    left join links on people.record_number = links.record_number
),

{{ different_people('members') }},

mailboxes as (
    select
        members.group_key as email,
        count(*) as count_records,
        max(case when different_people.group_key is null then 0 else 1 end) = 1 as is_shared
    from members
    left join different_people on members.group_key = different_people.group_key
    group by members.group_key
)

select * from mailboxes
