with profiles as (
    select * from {{ ref('mailchimp_profiles') }}
),

consent as (
    select * from {{ ref('consent_status') }}
    where channel = 'email' and purpose = 'marketing_email' and brand = 'default' and decision = 'allow'
),

subscribers as (
    select profiles.customer_id
    from profiles
    inner join consent on profiles.mailbox = consent.mailbox
)

select * from subscribers
