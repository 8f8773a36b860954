with aliases as (
    select * from {{ ref('stg_segment__events') }}
    where event_type = 'alias' and previous_id is not null
),

-- an account that got another id is one person under both; a previous id that is a browser is stitched, not linked
links as (
    select distinct
        connection_id,
        'user' as record_type,
        previous_id as record_id,
        'user' as root_type,
        user_id as root_id
    from aliases
)

select * from links
