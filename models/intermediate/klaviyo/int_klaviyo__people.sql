with profiles as (
    select * from {{ ref('stg_klaviyo__profiles') }}
),

country_names as (
    select * from {{ ref('country_names') }}
),

people as (
    select
        profiles.connection_id,
        'klaviyo' as source,
        'profile' as record_type,
        profiles.profile_id as record_id,
        profiles.email,
        profiles.mailbox,
        profiles.is_email_valid,
        case when profiles.is_phone_valid then profiles.phone end as phone,
        profiles.first_name,
        profiles.last_name,
        profiles.company,
        profiles.city,
        profiles.zip,
        coalesce(
            case when length(profiles.country) = 2 then upper(profiles.country) end,
            country_names.country_code
        ) as country_code,
        profiles.language,
        profiles.is_deleted,
        -- what we wrote comes back with the next landing: a name here may be our own word and is no evidence of who is who
        false as has_own_name,
        profiles.created_at,
        profiles.updated_at
    from profiles
    left join country_names on lower(profiles.country) = country_names.country_name
)

select * from people
