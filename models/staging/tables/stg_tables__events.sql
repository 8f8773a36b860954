{{ config(enabled=own_tables() | length > 0) }}

with arrived as (
    {{ own_table('events', [
        'id', 'origin', 'type', 'name', 'contact_id', 'visitor_id', 'unnamed_id', 'page_url', 'page_path',
        'properties', 'occurred_at',
    ], {'kind': 'own_contact', 'id': 'contact_id'}) }}
),

source as (
    select * from arrived
    where not is_removed and {{ not_erased('arrived', 'visitor', 'unnamed_id') }}
    {{ latest_version(['connection_id', 'id'], 'occurred_at') }}
),

events as (
    select
        connection_id,
        source,
        id as own_event_id,
        type as event_type,
        nullif(trim(name), '') as event_name,
        contact_id as own_contact_id,
        visitor_id,
        unnamed_id,
        page_url,
        page_path,
        properties,
        cast(_dlt_load_id as double) as load_number,
        {{ utc_timestamp('occurred_at') }} as occurred_at
    from source
)

select * from events
