with source as (
    select arrived.* from {{ source('inbox', 'consent_acts') }} as arrived
    where {{ not_erased('arrived', 'act', 'event_id', 'address') }}
),

consent_acts as (
    select
        connection_id,
        event_id,
        act,
        {{ contact_point('email', 'source.address') }} as email,
        {{ contact_point('email', 'source.address', form='wide') }} as mailbox,
        channel,
        purpose,
        brand,
        source as act_source,
        reason,
        proof,
        evidence,
        recorded_by,
        {{ utc_timestamp('occurred_at') }} as occurred_at,
        {{ utc_timestamp('received_at') }} as received_at
    from source
)

select * from consent_acts
