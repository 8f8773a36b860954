{{ config(materialized='table') }}

-- Behind a mailbox that several people use a phone number may say which of them it is: not where they share that as well.
with people as (
    select * from {{ ref('int_people_united') }}
),

contact_points as (
    select * from {{ ref('int_contact_points_united') }}
    where is_valid
),

mailboxes as (
    select * from {{ ref('int_mailboxes_judged') }}
    where is_shared
),

links as (
    select
        record_number,
        min(root_number) as root_number
    from {{ ref('int_record_links_united') }}
    group by record_number
),

reachable as (
    select distinct
        people.record_number,
        people.given_key,
        people.surname_key,
        mailboxes.email,
        phones.value as phone
    from people
    inner join contact_points as emails on people.record_key = emails.record_key and emails.kind = 'email'
    inner join mailboxes on coalesce(emails.wide_value, emails.value) = mailboxes.email
    inner join contact_points as phones on people.record_key = phones.record_key and phones.kind = 'phone'
),

members as (
    select
        reachable.email || ' ' || reachable.phone as group_key,
        coalesce(links.root_number, reachable.record_number) as family,
        reachable.given_key,
        reachable.surname_key
    from reachable
    left join links on reachable.record_number = links.record_number
),

{{ different_people('members') }},

judged as (
    select
        reachable.record_number,
        reachable.email,
        reachable.phone,
        different_people.group_key is not null as is_shared
    from reachable
    left join different_people on reachable.email || ' ' || reachable.phone = different_people.group_key
)

select * from judged
