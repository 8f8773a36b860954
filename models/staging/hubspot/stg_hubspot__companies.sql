with source as (
    select arrived.* from {{ source('hubspot', 'companies') }} as arrived
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

companies as (
    select
        connection_id,
        cast(id as varchar) as company_id,
        nullif(trim(name), '') as company_name,
        lower(nullif(trim(domain), '')) as domain,
        nullif(trim(city), '') as city,
        nullif(trim(country), '') as country,
        lower(nullif(trim(industry), '')) as industry,
        lifecyclestage as lifecycle_stage,
        numberofemployees as count_employees,
        coalesce(archived, false) as is_deleted,
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('updated_at') }} as updated_at
    from source
)

select * from companies
