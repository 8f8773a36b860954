with profiles as (
    select * from {{ ref('stg_klaviyo__profiles') }}
    where mailbox is not null
),

suppressed as (
    select distinct
        connection_id,
        profile_id
    from {{ ref('stg_klaviyo__suppressions') }}
    where list_id = ''
),

-- whoever is not kept out can be mailed, asked or not: a segment need not ask who subscribed
addresses_held as (
    select
        profiles.connection_id,
        'klaviyo' as source,
        '' as container,
        '' as container_name,
        profiles.profile_id as record_id,
        profiles.email_as_kept as address,
        profiles.mailbox,
        suppressed.profile_id is null
        and profiles.can_receive_marketing
        and coalesce(profiles.consent_state, '') <> 'unsubscribed'
        and not profiles.is_deleted
        and profiles.is_email_valid as is_mailable,
        case when profiles.consent_state = 'subscribed' then profiles.consented_at end as agreed_at,
        profiles.updated_at
    from profiles
    left join suppressed
        on profiles.connection_id = suppressed.connection_id and profiles.profile_id = suppressed.profile_id
)

select * from addresses_held
