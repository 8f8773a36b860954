{{ config(materialized='table') }}

with people as (
    select * from {{ ref('int_people_united') }}
),

called as (
    select * from {{ ref('customer_id_history') }}
    where valid_to is null
),

resolved as (
    select
        people.record_key,
        called.customer_id,
        people.record_number,
        people.connection_id,
        people.source,
        people.record_type,
        people.record_id
    from people
    inner join called on people.record_key = called.record_key
)

select * from resolved
