with united as (
    {{ union_sources('web_events', ['segment', 'tables'], {
        'connection_id': 'varchar',
        'source': 'varchar',
        'source_event_id': 'varchar',
        'event_type': 'varchar',
        'event_name': 'varchar',
        'record_type': 'varchar',
        'record_id': 'varchar',
        'visitor': 'varchar',
        'page_title': 'varchar',
        'page_url': 'varchar',
        'page_path': 'varchar',
        'page_referrer': 'varchar',
        'campaign_source': 'varchar',
        'campaign_medium': 'varchar',
        'campaign_name': 'varchar',
        'properties': 'varchar',
        'products': 'varchar',
        'is_named': 'boolean',
        'occurred_at': 'timestamp',
        'load_number': 'double',
    }) }}
),

web_events as (
    select
        {{ dbt.hash("united.connection_id || '/' || united.source_event_id") }} as event_id,
        {{ record_key('united') }} as record_key,
        united.connection_id || '/visitor/' || united.visitor as visitor_key,
        -- what the browser is called to those who read the marts: no id of theirs leads back to it
        {{ dbt.hash("united.connection_id || '/' || coalesce(united.visitor, united.record_type || '/' || united.record_id)") }}
            as visitor_id,
        united.connection_id,
        united.source,
        united.event_type,
        united.event_name,
        united.page_title,
        united.page_url,
        united.page_path,
        united.page_referrer,
        united.campaign_source,
        united.campaign_medium,
        united.campaign_name,
        united.properties,
        united.products,
        united.is_named,
        united.occurred_at,
        united.load_number
    from united
    where united.occurred_at is not null
)

select * from web_events
