with profiles as (
    select * from {{ ref('stg_klaviyo__profiles') }}
),

contact_points as (
    select
        connection_id,
        'profile' as record_type,
        profile_id as record_id,
        'email' as kind,
        email as value,
        mailbox as wide_value,
        is_email_valid as is_valid
    from profiles
    union all
    select
        connection_id,
        'profile' as record_type,
        profile_id as record_id,
        'phone' as kind,
        phone as value,
        phone as wide_value,
        is_phone_valid as is_valid
    from profiles
)

select * from contact_points
