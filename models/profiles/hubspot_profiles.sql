with profiles as (
    select * from {{ ref('int_profiles_composed') }}
),

statuses as (
    select * from {{ ref('int_hubspot__statuses') }}
    where connection_id = 'hubspot'
),

-- nothing that says who somebody is: a CRM's names are evidence, and ours would come back as such
hubspot_profiles as (
    select
        profiles.customer_id,
        profiles.email,
        profiles.mailbox,
        profiles.profile_customer_id,
        statuses.esp_id,
        profiles.rfm_segment,
        statuses.esp_status,
        profiles.lifetime_spend,
        profiles.last_order_date
    from profiles
    left join statuses on profiles.mailbox = statuses.mailbox
)

select * from hubspot_profiles
