{{ config(materialized='table') }}

-- What nobody said, and records and orders show all the same.
with people as (
    select * from {{ ref('int_people_united') }}
    where mailbox is not null
),

orders as (
    select * from {{ ref('int_orders_unified') }}
    where is_counted
),

role_addresses as (
    select * from {{ ref('role_addresses') }}
),

soft_opt_ins as (
    select * from {{ ref('consent_soft_opt_in') }}
),

-- nobody reads these, or whoever does complains
role_mailboxes as (
    select people.*
    from people
    inner join role_addresses on split_part(people.mailbox, '@', 1) || '@' = role_addresses.begins_with
),

last_purchases as (
    select
        orders.record_key,
        max(orders.ordered_at) as occurred_at
    from orders
    group by orders.record_key
),

-- a purchase counts as consent for a while, in some places only where the shop offered to say no while it was made
purchases as (
    select
        people.*,
        last_purchases.occurred_at,
        case
            when last_purchases.occurred_at >= soft_opt_ins.offered_from then 'purchase_with_opt_out'
            else 'purchase'
        end as reason
    from people
    inner join last_purchases on people.record_key = last_purchases.record_key
    left join soft_opt_ins on people.connection_id = soft_opt_ins.connection_id
),

derived as (
    select
        record_key,
        connection_id,
        source,
        record_id,
        email as address,
        mailbox,
        'block' as act,
        'role_address' as reason,
        false as is_origin_dated,
        created_at as occurred_at,
        created_at as received_at
    from role_mailboxes
    union all
    select
        record_key,
        connection_id,
        source,
        record_id,
        email as address,
        mailbox,
        'imply' as act,
        reason,
        true as is_origin_dated,
        occurred_at,
        occurred_at as received_at
    from purchases
    union all
    -- where an address came from, for the places where writing is allowed until somebody objects
    select
        record_key,
        connection_id,
        source,
        record_id,
        email as address,
        mailbox,
        'collect' as act,
        'record' as reason,
        false as is_origin_dated,
        created_at as occurred_at,
        created_at as received_at
    from people
)

select * from derived
