with users as (
    select * from {{ ref('int_segment__users') }}
),

country_names as (
    select * from {{ ref('country_names') }}
),

people as (
    select
        users.connection_id,
        'segment' as source,
        users.record_type,
        users.record_id,
        users.email,
        users.mailbox,
        coalesce(users.is_email_valid, false) as is_email_valid,
        users.phone,
        users.first_name,
        users.last_name,
        users.company,
        users.city,
        users.zip,
        coalesce(
            case when length(users.country) = 2 then upper(users.country) end,
            country_names.country_code
        ) as country_code,
        users.language,
        false as is_deleted,
        -- An account is the company's own record of a person. What somebody typed into a browser without one proves that
        -- a mailbox was named there, and no name.
        users.record_type = 'user' as has_own_name,
        users.created_at,
        coalesce(users.identified_at, users.created_at) as updated_at
    from users
    left join country_names on lower(users.country) = country_names.country_name
)

select * from people
