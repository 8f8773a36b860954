{{ config(materialized='table') }}

with identities as (
    select * from {{ ref('int_identities_resolved') }}
),

contact_points as (
    select * from {{ ref('int_contact_points_united') }}
    where kind = 'email'
),

-- every address of every person, in both forms
customer_mailboxes as (
    select
        identities.customer_id,
        contact_points.value as email,
        contact_points.wide_value as mailbox,
        max(case when contact_points.is_valid then 1 else 0 end) = 1 as is_email_valid,
        count(*) as count_records
    from identities
    inner join contact_points on identities.record_key = contact_points.record_key
    group by identities.customer_id, contact_points.value, contact_points.wide_value
)

select * from customer_mailboxes
