with profiles as (
    select * from {{ ref('stg_klaviyo__profiles') }}
),

contact_points as (
    {{ contact_points_of('profiles', "'profile'", 'profile_id', [
        ('email', 'email', 'mailbox', 'is_email_valid'),
        ('phone', 'phone', 'phone', 'is_phone_valid'),
    ]) }}
)

select * from contact_points
