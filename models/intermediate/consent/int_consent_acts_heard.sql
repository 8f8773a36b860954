with united as (
    {{ union_sources('consent_acts', ['hubspot', 'shopify', 'mailchimp', 'klaviyo', 'sendgrid', 'salesforce', 'segment', 'tables'], {
        'connection_id': 'varchar',
        'source': 'varchar',
        'record_type': 'varchar',
        'record_id': 'varchar',
        'address': 'varchar',
        'mailbox': 'varchar',
        'purpose': 'varchar',
        'act': 'varchar',
        'reason': 'varchar',
        'evidence': 'varchar',
        'is_origin_dated': 'boolean',
        'occurred_at': 'timestamp',
        'received_at': 'timestamp',
    }) }}
),

words as (
    select * from {{ ref('passed_on_words') }}
),

passed_on as (
    select * from {{ ref('int_withdrawals_passed_on') }}
),

-- What we passed on to a system comes back from there as a refusal of its own: dated as we dated it, or when we told it.
-- Where the system dates nothing, the record's last change stands in, for as long as the system vouches that it is ours.
heard as (
    select
        united.*,
        passed_on.event_id as passed_on_event_id,
        passed_on.refused_at as passed_on_refused_at
    from united
    left join words
        on united.source = words.source and united.reason = words.reason and united.is_origin_dated = words.is_dated
    left join passed_on
        on
            united.act = 'withdraw'
            and words.source is not null
            and united.connection_id = passed_on.connection_id
            and (
                united.record_id = passed_on.record_id
                or (passed_on.record_id = '' and united.mailbox = passed_on.mailbox)
            )
            and (
                (
                    united.is_origin_dated
                    and {{ dbt.date_trunc('second', 'united.occurred_at') }}
                    = {{ dbt.date_trunc('second', 'passed_on.refused_at') }}
                )
                or united.occurred_at between {{ dbt.dateadd('minute', -5, 'passed_on.owed_since') }}
                and {{ dbt.dateadd('minute', 5, 'passed_on.acknowledged_at') }}
                or (
                    not united.is_origin_dated
                    and united.occurred_at > passed_on.acknowledged_at
                    and united.occurred_at <= coalesce(passed_on.holds_until, united.occurred_at)
                )
            )
),

-- such an echo is the act that was passed on, of that act's time: it is no newer word of the person
consent_acts as (
    select
        connection_id,
        source,
        record_type,
        record_id,
        address,
        mailbox,
        purpose,
        act,
        case when passed_on_event_id is null then reason else 'passed_on' end as reason,
        coalesce(passed_on_event_id, evidence) as evidence,
        is_origin_dated,
        case when passed_on_event_id is null then occurred_at else passed_on_refused_at end as occurred_at,
        received_at
    from heard
)

select * from consent_acts
