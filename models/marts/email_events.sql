{{ config(
    materialized='incremental',
    unique_key='event_id',
    incremental_strategy=replacing_rows(),
    on_schema_change='fail',
) }}

with united as (
    select * from {{ ref('int_email_events_united') }}
),

identities as (
    select * from {{ ref('int_identities_resolved') }}
),

-- an event of a member who is gone is still somebody's when only one person uses the mailbox
mailbox_owners as (
    {{ mailbox_owners() }}
),

{{ events_to_own('united', [
    'event_id', 'record_key', 'connection_id', 'source', 'campaign_id', 'mailbox', 'event_type', 'detail', 'occurred_at',
    'load_number',
]) }},

owned as (
    select
        candidates.*,
        coalesce(identities.customer_id, mailbox_owners.customer_id) as customer_id
    from candidates
    left join identities on candidates.record_key = identities.record_key
    left join mailbox_owners on candidates.mailbox = mailbox_owners.mailbox
),

email_events as (
    select
        event_id,
        customer_id,
        connection_id,
        source,
        campaign_id,
        record_key,
        mailbox,
        event_type,
        detail,
        load_number,
        cast(occurred_at as date) as event_date,
        occurred_at
    from owned
    where is_touched or customer_id is distinct from former_customer_id
)

select * from email_events
