with members as (
    select * from {{ ref('stg_mailchimp__members') }}
),

lists as (
    select * from {{ ref('stg_mailchimp__lists') }}
),

unsubscribes as (
    select * from {{ ref('stg_mailchimp__unsubscribes') }}
),

complaints as (
    select * from {{ ref('stg_mailchimp__complaints') }}
),

deliveries as (
    select * from {{ ref('stg_mailchimp__deliveries') }}
),

campaigns as (
    select * from {{ ref('stg_mailchimp__campaigns') }}
),

bounces as (
    select
        connection_id,
        campaign_id,
        member_id,
        max(occurred_at) as bounced_at
    from {{ ref('stg_mailchimp__email_activities') }}
    where action = 'bounce' and bounce_type = 'hard'
    group by connection_id, campaign_id, member_id
),

hard_bounces as (
    select
        deliveries.connection_id,
        deliveries.list_id,
        deliveries.member_id,
        deliveries.email,
        deliveries.mailbox,
        coalesce(bounces.bounced_at, campaigns.sent_at) as bounced_at
    from deliveries
    left join bounces
        on
            deliveries.connection_id = bounces.connection_id
            and deliveries.campaign_id = bounces.campaign_id
            and deliveries.member_id = bounces.member_id
    left join campaigns
        on deliveries.connection_id = campaigns.connection_id and deliveries.campaign_id = campaigns.campaign_id
    where deliveries.delivery_status = 'hard' or bounces.member_id is not null
),

-- the exact time of what the member's status only says happened
last_unsubscribes as (
    select
        connection_id,
        list_id,
        member_id,
        max(unsubscribed_at) as unsubscribed_at
    from unsubscribes
    group by connection_id, list_id, member_id
),

last_bounces as (
    select
        connection_id,
        list_id,
        member_id,
        max(bounced_at) as bounced_at
    from hard_bounces
    group by connection_id, list_id, member_id
),

-- Who opted in left an address on the internet; who was imported, or added through the API, did not.
opt_ins as (
    select
        members.connection_id,
        members.list_id,
        members.member_id,
        members.email,
        members.mailbox,
        'marketing_email' as purpose,
        'grant' as act,
        'esp' as reason,
        case
            when members.ip_opt is null then 'added without an ip'
            when
                lists.has_double_opt_in
                or (members.ip_signup is not null and members.opted_in_at > members.signed_up_at)
                then 'confirmed from an ip'
            else 'opted in from an ip'
        end as evidence,
        true as is_origin_dated,
        members.opted_in_at as occurred_at,
        members.updated_at as received_at
    from members
    left join lists on members.connection_id = lists.connection_id and members.list_id = lists.list_id
    where
        not members.is_deleted
        and members.member_status <> 'pending'
        and (members.opted_in_at is not null or members.member_status = 'subscribed')
),

-- a status is dated by what caused it, where that is known and newer than the opt-in; else by the member's last change
statuses as (
    select
        members.connection_id,
        members.list_id,
        members.member_id,
        members.email,
        members.mailbox,
        '*' as purpose,
        case
            when members.is_deleted then 'withdraw'
            when members.member_status = 'cleaned' then 'block'
            when members.member_status = 'unsubscribed' and members.unsubscribe_reason like 'abuse%' then 'block'
            when members.member_status in ('unsubscribed', 'archived', 'transactional') then 'withdraw'
        end as act,
        case
            when members.is_deleted then 'deleted_from_esp'
            when members.member_status = 'cleaned' then 'hard_bounce'
            when members.member_status = 'unsubscribed' and members.unsubscribe_reason like 'abuse%' then 'complaint'
            when members.member_status = 'unsubscribed' then 'unsubscribed'
            when members.member_status = 'archived' then 'archived_in_esp'
            when members.member_status = 'transactional' then 'declined_in_esp'
        end as reason,
        members.unsubscribe_reason as evidence,
        false as is_origin_dated,
        case
            -- nobody knows when it was deleted: no grant can be shown to be newer
            when members.is_deleted then null
            when
                members.member_status = 'unsubscribed'
                and last_unsubscribes.unsubscribed_at >= coalesce(members.opted_in_at, last_unsubscribes.unsubscribed_at)
                then last_unsubscribes.unsubscribed_at
            when
                members.member_status = 'cleaned'
                and last_bounces.bounced_at >= coalesce(members.opted_in_at, last_bounces.bounced_at)
                then last_bounces.bounced_at
            else members.updated_at
        end as occurred_at,
        -- what caused a status may be known before the member's own record shows it
        case
            when members.member_status = 'unsubscribed' and last_unsubscribes.unsubscribed_at > members.updated_at
                then last_unsubscribes.unsubscribed_at
            when members.member_status = 'cleaned' and last_bounces.bounced_at > members.updated_at
                then last_bounces.bounced_at
            else members.updated_at
        end as received_at
    from members
    left join last_unsubscribes
        on
            members.connection_id = last_unsubscribes.connection_id
            and members.list_id = last_unsubscribes.list_id
            and members.member_id = last_unsubscribes.member_id
    left join last_bounces
        on
            members.connection_id = last_bounces.connection_id
            and members.list_id = last_bounces.list_id
            and members.member_id = last_bounces.member_id
),

campaign_acts as (
    select
        connection_id,
        list_id,
        member_id,
        email,
        mailbox,
        '*' as purpose,
        'withdraw' as act,
        'unsubscribed' as reason,
        unsubscribe_reason as evidence,
        true as is_origin_dated,
        unsubscribed_at as occurred_at,
        unsubscribed_at as received_at
    from unsubscribes
    union all
    select
        connection_id,
        list_id,
        member_id,
        email,
        mailbox,
        '*' as purpose,
        'block' as act,
        'complaint' as reason,
        cast(null as varchar) as evidence,
        true as is_origin_dated,
        complained_at as occurred_at,
        complained_at as received_at
    from complaints
    union all
    select
        connection_id,
        list_id,
        member_id,
        email,
        mailbox,
        '*' as purpose,
        'block' as act,
        'hard_bounce' as reason,
        cast(null as varchar) as evidence,
        true as is_origin_dated,
        bounced_at as occurred_at,
        bounced_at as received_at
    from hard_bounces
),

acts as (
    select * from opt_ins
    union all
    select * from statuses
    where act is not null
    union all
    select * from campaign_acts
),

consent_acts as (
    {{ consent_acts_of('acts', 'mailchimp', "'member'", "list_id || ':' || member_id") }}
)

select * from consent_acts
