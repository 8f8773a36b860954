with profiles as (
    select * from {{ ref('stg_klaviyo__profiles') }}
),

suppressions as (
    select * from {{ ref('stg_klaviyo__suppressions') }}
),

removed_profiles as (
    select * from {{ ref('stg_klaviyo__removed_profiles') }}
),

email_events as (
    select * from {{ ref('int_klaviyo__email_events') }}
),

-- A profile is no permission, and who never subscribed has said nothing. What `confirmed` and each method prove is said in
-- seeds/consent_evidence.csv.
opt_ins as (
    select
        connection_id,
        profile_id,
        email,
        mailbox,
        'marketing_email' as purpose,
        'grant' as act,
        'esp' as reason,
        case when has_double_opt_in then 'confirmed' else 'opted in' end
        || ' by ' || coalesce(consent_method, 'unknown means') as evidence,
        true as is_origin_dated,
        consented_at as occurred_at,
        updated_at as received_at
    from profiles
    where consent_state = 'subscribed' and not is_deleted
),

-- an undated refusal was at the latest when the profile last changed
opt_outs as (
    select
        connection_id,
        profile_id,
        email,
        mailbox,
        '*' as purpose,
        'withdraw' as act,
        'unsubscribed' as reason,
        cast(null as varchar) as evidence,
        consented_at is not null as is_origin_dated,
        coalesce(consented_at, updated_at) as occurred_at,
        updated_at as received_at
    from profiles
    where consent_state = 'unsubscribed'
),

-- Beside what a person consented to stands what keeps Klaviyo from writing to them. A suppression by hand may be our own
-- hand, which passes on a refusal heard elsewhere: it is dated when it was made, never when it is read, and it is a
-- withdrawal, so that an act of the person after it counts. A word that we do not know is taken for one as well. Who left
-- one list is taken at the word as if they had left them all.
suppressed as (
    select
        suppressions.connection_id,
        suppressions.profile_id,
        profiles.email,
        profiles.mailbox,
        '*' as purpose,
        case
            when suppressions.suppression_reason in (
                'spam_complaint', 'spam_report', 'hard_bounce', 'invalid_email'
            ) then 'block'
            else 'withdraw'
        end as act,
        case
            when suppressions.suppression_reason in ('spam_complaint', 'spam_report') then 'complaint'
            when suppressions.suppression_reason in ('hard_bounce', 'invalid_email') then 'hard_bounce'
            when suppressions.suppression_reason = 'unsubscribe' then 'unsubscribed'
            else 'suppressed_in_esp'
        end as reason,
        coalesce(suppressions.suppression_reason, 'no reason')
        || case when suppressions.list_id = '' then '' else ' from list ' || suppressions.list_id end as evidence,
        suppressions.suppressed_at is not null as is_origin_dated,
        coalesce(suppressions.suppressed_at, profiles.updated_at) as occurred_at,
        coalesce(suppressions.suppressed_at, profiles.updated_at) as received_at
    from suppressions
    inner join profiles
        on suppressions.connection_id = profiles.connection_id and suppressions.profile_id = profiles.profile_id
),

-- the mail that somebody left or complained through; a bounce only when it says of which address
told_by_events as (
    select
        connection_id,
        record_id as profile_id,
        email,
        mailbox,
        '*' as purpose,
        case when event_type = 'unsubscribe' then 'withdraw' else 'block' end as act,
        case event_type
            when 'unsubscribe' then 'unsubscribed'
            when 'complaint' then 'complaint'
            else 'hard_bounce'
        end as reason,
        cast(null as varchar) as evidence,
        true as is_origin_dated,
        occurred_at,
        occurred_at as received_at
    from email_events
    where
        event_type in ('unsubscribe', 'complaint')
        or (event_type = 'bounce' and detail = 'hard' and has_own_mailbox)
),

-- Deleted, or merged into another profile: nobody tells. So nothing is sent to that address until somebody confirms from it,
-- and the person's other addresses are left as they are. It was at the latest when its absence was noticed.
gone as (
    select
        profiles.connection_id,
        profiles.profile_id,
        profiles.email,
        profiles.mailbox,
        '*' as purpose,
        'block' as act,
        'gone_from_esp' as reason,
        cast(null as varchar) as evidence,
        false as is_origin_dated,
        removed_profiles.noticed_at as occurred_at,
        removed_profiles.noticed_at as received_at
    from removed_profiles
    inner join profiles
        on
            removed_profiles.connection_id = profiles.connection_id
            and removed_profiles.profile_id = profiles.profile_id
    where profiles.mailbox is not null
),

acts as (
    select * from opt_ins
    union all
    select * from opt_outs
    union all
    select * from suppressed
    union all
    select * from told_by_events
    union all
    select * from gone
),

consent_acts as (
    {{ consent_acts_of('acts', 'klaviyo', "'profile'", 'profile_id') }}
)

select * from consent_acts
