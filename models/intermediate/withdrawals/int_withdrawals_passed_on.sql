with told as (
    select * from {{ ref('stg_reverse_sync__withdrawals') }}
    where
        status = 'accepted'
        and ended_at is null
        -- where it was set already, or where there was nobody to set it for, it is not our doing
        and code <> 'already_set'
        and not (code = 'unknown_there' and holds_until is null)
),

held as (
    select * from {{ ref('int_addresses_held') }}
),

-- whoever has agreed in that system since is refused there by a word that is newer than ours
agreed_since as (
    select distinct
        told.connection_id,
        told.container,
        told.address
    from told
    inner join held
        on
            told.connection_id = held.connection_id
            and told.container = held.container
            and told.address = held.address
    where held.agreed_at > told.acknowledged_at
),

passed_on as (
    select
        told.connection_id,
        told.container,
        told.address,
        told.mailbox,
        told.record_id,
        told.event_id,
        told.refused_at,
        told.owed_since,
        told.acknowledged_at,
        told.holds_until
    from told
    left join agreed_since
        on
            told.connection_id = agreed_since.connection_id
            and told.container = agreed_since.container
            and told.address = agreed_since.address
    where agreed_since.address is null
    qualify row_number() over (
        partition by told.connection_id, told.container, told.address
        order by told.acknowledged_at desc, told.event_id asc
    ) = 1
)

select * from passed_on
