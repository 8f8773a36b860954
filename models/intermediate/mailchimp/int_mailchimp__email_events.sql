with campaigns as (
    select * from {{ ref('stg_mailchimp__campaigns') }}
),

deliveries as (
    select * from {{ ref('stg_mailchimp__deliveries') }}
),

activities as (
    select * from {{ ref('stg_mailchimp__email_activities') }}
),

unsubscribes as (
    select * from {{ ref('stg_mailchimp__unsubscribes') }}
),

complaints as (
    select * from {{ ref('stg_mailchimp__complaints') }}
),

-- load_number: the newest load that anything of the event came with, so that an incremental run finds what changed
email_events as (
    select
        deliveries.connection_id,
        deliveries.campaign_id,
        deliveries.list_id,
        deliveries.member_id,
        deliveries.mailbox,
        'sent' as event_type,
        cast(null as varchar) as detail,
        campaigns.sent_at as occurred_at,
        greatest(deliveries.load_number, coalesce(campaigns.load_number, deliveries.load_number)) as load_number
    from deliveries
    left join campaigns
        on deliveries.connection_id = campaigns.connection_id and deliveries.campaign_id = campaigns.campaign_id
    union all
    select
        activities.connection_id,
        activities.campaign_id,
        deliveries.list_id,
        activities.member_id,
        deliveries.mailbox,
        activities.action as event_type,
        coalesce(activities.url, activities.bounce_type) as detail,
        activities.occurred_at,
        greatest(activities.load_number, coalesce(deliveries.load_number, activities.load_number)) as load_number
    from activities
    left join deliveries
        on
            activities.connection_id = deliveries.connection_id
            and activities.campaign_id = deliveries.campaign_id
            and activities.member_id = deliveries.member_id
    union all
    select
        connection_id,
        campaign_id,
        list_id,
        member_id,
        mailbox,
        'unsubscribe' as event_type,
        unsubscribe_reason as detail,
        unsubscribed_at as occurred_at,
        load_number
    from unsubscribes
    union all
    select
        connection_id,
        campaign_id,
        list_id,
        member_id,
        mailbox,
        'complaint' as event_type,
        cast(null as varchar) as detail,
        complained_at as occurred_at,
        load_number
    from complaints
),

keyed as (
    select
        *,
        'mailchimp' as source,
        'member' as record_type,
        list_id || ':' || member_id as record_id,
        -- a mail is sent once, a member leaves or complains once a campaign; opens and clicks repeat
        event_type || '/' || campaign_id || '/' || member_id
        || case
            when event_type in ('open', 'click', 'bounce')
                then '/' || coalesce(cast(occurred_at as varchar), '') || '/' || coalesce(detail, '')
            else ''
        end as source_event_id
    from email_events
)

select * from keyed
