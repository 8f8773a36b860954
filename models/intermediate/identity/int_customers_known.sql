with identities as (
    select * from {{ ref('int_identities_resolved') }}
),

people as (
    select * from {{ ref('int_people_united') }}
),

-- anybody else may be nothing but our own document come back from an ESP
known_customers as (
    select distinct identities.customer_id
    from identities
    inner join people on identities.record_key = people.record_key
    where people.has_own_name
)

select * from known_customers
