with events as (
    select * from {{ ref('stg_klaviyo__events') }}
),

metrics as (
    select
        *,
        case metric_name
            when 'Received Email' then 'sent'
            when 'Bounced Email' then 'bounce'
            when 'Opened Email' then 'open'
            when 'Clicked Email' then 'click'
            when 'Marked Email as Spam' then 'complaint'
            when 'Unsubscribed' then 'unsubscribe'
            when 'Unsubscribed from Email Marketing' then 'unsubscribe'
            when 'Unsubscribed from List' then 'unsubscribe'
        end as event_type
    from {{ ref('stg_klaviyo__metrics') }}
),

profiles as (
    select * from {{ ref('stg_klaviyo__profiles') }}
),

-- An event that names no address is of the one its profile has now. load_number: the newest load that anything of the
-- event came with, so that an incremental run finds what changed.
email_events as (
    select
        events.connection_id,
        'klaviyo' as source,
        events.event_id as source_event_id,
        events.message_id as campaign_id,
        'profile' as record_type,
        events.profile_id as record_id,
        coalesce(events.email, profiles.email) as email,
        coalesce(events.mailbox, profiles.mailbox) as mailbox,
        metrics.event_type,
        coalesce(events.url, events.bounce_type, events.method) as detail,
        events.mailbox is not null as has_own_mailbox,
        events.occurred_at,
        case
            when events.mailbox is not null then events.load_number
            else greatest(events.load_number, coalesce(profiles.load_number, events.load_number))
        end as load_number
    from events
    inner join metrics on events.connection_id = metrics.connection_id and events.metric_id = metrics.metric_id
    left join profiles on events.connection_id = profiles.connection_id and events.profile_id = profiles.profile_id
    where metrics.event_type is not null
)

select * from email_events
