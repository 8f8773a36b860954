with profiles as (
    select * from {{ ref('stg_klaviyo__profiles') }}
    where not is_deleted and mailbox is not null
),

suppressions as (
    select
        connection_id,
        profile_id,
        max(case when suppression_reason in ('spam_complaint', 'spam_report') then 1 else 0 end) as has_complained,
        max(case when suppression_reason in ('hard_bounce', 'invalid_email') then 1 else 0 end) as has_bounced,
        max(case when suppression_reason = 'unsubscribe' then 1 else 0 end) as has_left
    from {{ ref('stg_klaviyo__suppressions') }}
    where list_id = ''
    group by connection_id, profile_id
),

-- Klaviyo's own view is a second lock. `subscribed` is whom nothing there speaks against: a profile is no permission, and
-- neither is this; the ledger decides who may be mailed.
judged as (
    select
        profiles.connection_id,
        profiles.profile_id,
        profiles.mailbox,
        profiles.created_at,
        case
            when suppressions.has_complained = 1 then 'complained'
            when suppressions.has_bounced = 1 then 'bounced'
            when suppressions.has_left = 1 or profiles.consent_state = 'unsubscribed' then 'unsubscribed'
            when suppressions.profile_id is not null or not profiles.can_receive_marketing then 'suppressed'
            else 'subscribed'
        end as esp_status
    from profiles
    left join suppressions
        on profiles.connection_id = suppressions.connection_id and profiles.profile_id = suppressions.profile_id
),

-- a suppression is of the address: when several profiles have it, the first that may not be written to speaks for all
statuses as (
    select
        connection_id,
        mailbox,
        profile_id as esp_id,
        esp_status
    from judged
    qualify row_number() over (
        partition by connection_id, mailbox
        order by case when esp_status = 'subscribed' then 1 else 0 end asc, created_at asc, profile_id asc
    ) = 1
)

select * from statuses
