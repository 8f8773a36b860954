with profiles as (
    select * from {{ ref('int_profiles_composed') }}
),

statuses as (
    select * from {{ ref('int_sendgrid__statuses') }}
    where connection_id = 'sendgrid'
),

sendgrid_profiles as (
    select
        profiles.customer_id,
        profiles.email,
        profiles.mailbox,
        profiles.profile_customer_id,
        statuses.esp_id,
        profiles.first_name,
        profiles.last_name,
        profiles.country_code,
        profiles.rfm_segment,
        statuses.esp_status,
        profiles.lifetime_spend,
        profiles.last_order_date
    from profiles
    left join statuses on profiles.mailbox = statuses.mailbox
)

select * from sendgrid_profiles
