with identities as (
    select * from {{ ref('int_identities_resolved') }}
),

people as (
    select * from {{ ref('int_people_united') }}
),

customer_records as (
    select
        identities.record_key,
        identities.customer_id,
        identities.connection_id,
        identities.source,
        identities.record_type,
        identities.record_id,
        people.is_deleted,
        people.created_at,
        people.updated_at
    from identities
    inner join people on identities.record_key = people.record_key
)

select * from customer_records
