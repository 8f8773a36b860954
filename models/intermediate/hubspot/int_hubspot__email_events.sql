with events as (
    select
        *,
        case event_type
            when 'sent' then 'sent'
            when 'bounce' then 'bounce'
            when 'open' then 'open'
            when 'click' then 'click'
            when 'spamreport' then 'complaint'
        end as known_type
    from {{ ref('stg_hubspot__email_events') }}
),

-- an event names an address and no contact: it is of the contact whose first address that is
contacts as (
    select
        connection_id,
        mailbox,
        min(contact_id) as contact_id
    from {{ ref('stg_hubspot__contacts') }}
    where not is_deleted and mailbox is not null
    group by connection_id, mailbox
),

email_events as (
    select
        events.connection_id,
        'hubspot' as source,
        events.event_id as source_event_id,
        events.campaign_id,
        'contact' as record_type,
        coalesce(contacts.contact_id, '') as record_id,
        events.email,
        events.mailbox,
        events.known_type as event_type,
        events.url as detail,
        events.occurred_at,
        events.load_number
    from events
    left join contacts on events.connection_id = contacts.connection_id and events.mailbox = contacts.mailbox
    where events.known_type is not null and events.mailbox is not null
)

select * from email_events
