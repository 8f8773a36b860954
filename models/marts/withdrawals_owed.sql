{{ config(materialized='view') }}

-- A view: right after a landing it compares what the systems show now with what was last known of people's refusals.
with held as (
    select * from {{ ref('int_addresses_held') }}
    where is_mailable
),

standing as (
    select * from {{ ref('int_refusals_standing') }}
),

withdrawals_owed as (
    select
        held.connection_id,
        held.source,
        held.container,
        held.container_name,
        held.record_id,
        held.address,
        held.mailbox,
        standing.purpose,
        standing.brand,
        standing.event_id,
        standing.reason,
        standing.refused_at,
        held.agreed_at,
        held.updated_at as record_updated_at
    from held
    inner join standing on held.mailbox = standing.mailbox
)

select * from withdrawals_owed
