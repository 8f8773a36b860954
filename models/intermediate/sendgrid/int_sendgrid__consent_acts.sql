with suppressed as (
    select * from {{ ref('int_sendgrid__suppressed') }}
),

contacts as (
    select * from {{ ref('stg_sendgrid__contacts') }}
),

removed_contacts as (
    select * from {{ ref('stg_sendgrid__removed_contacts') }}
),

-- A contact is no permission, and nothing in SendGrid is: it only knows who said no. Who left one group is taken at the word
-- as if they had left them all. A block is of the moment: the next mail is tried.
refusals as (
    select
        connection_id,
        record_type,
        record_id,
        email,
        mailbox,
        '*' as purpose,
        case when suppression_list in ('unsubscribes', 'group') then 'withdraw' else 'block' end as act,
        case suppression_list
            when 'spam_reports' then 'complaint'
            when 'bounces' then 'hard_bounce'
            when 'invalid_emails' then 'hard_bounce'
            else 'unsubscribed'
        end as reason,
        suppression_list
        || case when suppression_list = 'group' then ' ' || coalesce(group_name, group_id) else '' end as evidence,
        suppressed_at is not null as is_origin_dated,
        suppressed_at as occurred_at,
        suppressed_at as received_at
    from suppressed
    where suppression_list <> 'blocks'
),

-- Deleted by whom, and why, nobody tells. So nothing is sent to that address until somebody confirms from it. It was at the
-- latest when its absence was noticed.
gone as (
    select
        contacts.connection_id,
        'contact' as record_type,
        contacts.contact_id as record_id,
        contacts.email,
        contacts.mailbox,
        '*' as purpose,
        'block' as act,
        'gone_from_esp' as reason,
        cast(null as varchar) as evidence,
        false as is_origin_dated,
        removed_contacts.noticed_at as occurred_at,
        removed_contacts.noticed_at as received_at
    from removed_contacts
    inner join contacts
        on
            removed_contacts.connection_id = contacts.connection_id
            and removed_contacts.contact_id = contacts.contact_id
    where contacts.mailbox is not null
),

acts as (
    select * from refusals
    union all
    select * from gone
),

consent_acts as (
    {{ consent_acts_of('acts', 'sendgrid', 'record_type', 'record_id') }}
)

select * from consent_acts
