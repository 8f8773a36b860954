{{ config(materialized='table') }}

-- Where scoring begins. `mailhouse identity score` puts a file's records in the place of this model.
with people as (
    select * from {{ ref('int_people_united') }}
),

held_elsewhere as (
    select distinct mailbox
    from people
    where has_own_name and mailbox is not null
),

-- We write to an ESP only under an address that one of the person's own systems holds. What the ESP says under any other
-- address is not our own word come back.
speaking as (
    select people.*
    from people
    left join held_elsewhere on people.mailbox = held_elsewhere.mailbox
    where people.has_own_name or (people.is_email_valid and held_elsewhere.mailbox is null)
),

records_given as (
    select
        record_number,
        first_name as given_name,
        last_name as family_name,
        cast(null as varchar) as birth_date,
        cast(null as varchar) as street_number,
        cast(null as varchar) as street,
        cast(null as varchar) as locality,
        city,
        zip as postcode,
        cast(null as varchar) as region,
        country_code as country,
        phone,
        case when is_email_valid then mailbox end as email,
        true as is_strict
    from speaking
)

select * from records_given
