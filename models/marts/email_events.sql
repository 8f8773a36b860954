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
    select
        mailbox,
        min(customer_id) as customer_id
    from {{ ref('int_customer_mailboxes_collected') }}
    group by mailbox
    having count(distinct customer_id) = 1
),

{% if is_incremental() -%}
-- what came with the last load known here may have come only in part, so that load is read again
landed as (
    select
        connection_id,
        max(load_number) as load_number
    from {{ this }}
    group by connection_id
),

touched as (
    select united.*
    from united
    left join landed on united.connection_id = landed.connection_id
    where united.load_number >= coalesce(landed.load_number, 0)
),

-- people merge and part: their events of long ago move with them
known as (
    select
        events.event_id,
        events.record_key,
        events.connection_id,
        events.source,
        events.campaign_id,
        events.mailbox,
        events.event_type,
        events.detail,
        events.occurred_at,
        events.load_number,
        events.customer_id as former_customer_id
    from {{ this }} as events
    left join touched on events.event_id = touched.event_id
    where touched.event_id is null
),

candidates as (
    select
        touched.*,
        cast(null as varchar) as former_customer_id,
        true as is_touched
    from touched
    union all
    select
        known.*,
        false as is_touched
    from known
),
{%- else -%}
candidates as (
    select
        united.*,
        cast(null as varchar) as former_customer_id,
        true as is_touched
    from united
),
{%- endif %}

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
