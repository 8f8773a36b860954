{{ config(materialized='table') }}

-- Where scoring begins. `mailhouse identity score` puts a file's records in the place of this model.
with people as (
    select * from {{ ref('int_people_united') }}
),

-- what we may have written ourselves into an ESP is no evidence
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
        true as is_given_name_decisive
    from people
    where has_own_name
)

select * from records_given
