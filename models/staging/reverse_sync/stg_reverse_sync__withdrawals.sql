with source as (
    select * from {{ source('reverse_sync', 'withdrawals') }}
),

withdrawals as (
    select
        connection_id,
        container,
        address,
        event_id,
        mailbox,
        record_id,
        status,
        code,
        {{ utc_timestamp('refused_at') }} as refused_at,
        {{ utc_timestamp('owed_since') }} as owed_since,
        {{ utc_timestamp('acknowledged_at') }} as acknowledged_at,
        {{ utc_timestamp('holds_until') }} as holds_until,
        {{ utc_timestamp('ended_at') }} as ended_at
    from source
)

select * from withdrawals
