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

-- What an ESP says under an address that one of the person's own systems holds may be our own word come back. Under any other
-- address the first ESP that had it speaks: what we write from there into the next would count its names twice.
speaking as (
    select people.*
    from people
    left join held_elsewhere on people.mailbox = held_elsewhere.mailbox
    where people.has_own_name or (people.is_email_valid and held_elsewhere.mailbox is null)
    qualify
        people.has_own_name
        or row_number() over (partition by people.mailbox, people.has_own_name order by people.record_number asc) = 1
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
