with suppressed as (
    select * from {{ ref('int_sendgrid__suppressed') }}
),

-- Opens and clicks of single people come by webhook alone; what ended in a suppression is told with its time.
email_events as (
    select
        connection_id,
        'sendgrid' as source,
        suppression_id as source_event_id,
        cast(null as varchar) as campaign_id,
        record_type,
        record_id,
        email,
        mailbox,
        case
            when suppression_list in ('bounces', 'blocks') then 'bounce'
            when suppression_list = 'spam_reports' then 'complaint'
            else 'unsubscribe'
        end as event_type,
        case suppression_list
            when 'bounces' then 'hard'
            when 'blocks' then 'soft'
            when 'group' then group_name
        end as detail,
        suppressed_at as occurred_at,
        load_number
    from suppressed
    where suppression_list <> 'invalid_emails' and suppressed_at is not null
)

select * from email_events
