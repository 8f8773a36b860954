with united as (
    {{ union_sources('email_events', ['hubspot', 'mailchimp', 'klaviyo', 'sendgrid'], {
        'connection_id': 'varchar',
        'source': 'varchar',
        'source_event_id': 'varchar',
        'campaign_id': 'varchar',
        'record_type': 'varchar',
        'record_id': 'varchar',
        'mailbox': 'varchar',
        'event_type': 'varchar',
        'detail': 'varchar',
        'occurred_at': 'timestamp',
        'load_number': 'double',
    }) }}
),

email_events as (
    select
        {{ dbt.hash("united.connection_id || '/' || united.source_event_id") }} as event_id,
        {{ record_key('united') }} as record_key,
        united.connection_id,
        united.source,
        united.campaign_id,
        united.mailbox,
        united.event_type,
        united.detail,
        united.occurred_at,
        united.load_number
    from united
    where united.occurred_at is not null
)

select * from email_events
