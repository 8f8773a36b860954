{{ config(materialized='table') }}

with records_given as (
    select * from {{ ref('int_identity_records_given') }}
),

cleaned as (
    select
        record_number,
        {{ plain_name('given_name') }} as given_name,
        {{ plain_name('family_name') }} as family_name,
        {{ plain_date('birth_date') }} as birth_date,
        {{ plain_code('street_number') }} as street_number,
        {{ plain_name('street') }} as street,
        {{ plain_name('locality') }} as locality,
        {{ plain_name('city') }} as city,
        {{ plain_code('postcode') }} as postcode,
        {{ plain_name('region') }} as region,
        {{ plain_name('country') }} as country,
        {{ plain_phone('phone') }} as phone,
        {{ plain_email('email') }} as email,
        is_strict
    from records_given
),

-- neighbours in this order are alike: what becomes of blocks that are too large rests on it
placed as (
    select
        *,
        row_number() over (order by family_name, given_name, birth_date, email, record_number) as place
    from cleaned
)

select * from placed
