with contacts as (
    select * from {{ ref('stg_sendgrid__contacts') }}
    where not is_deleted and mailbox is not null
),

-- the gravest word of the account's lists speaks for an address
suppressed as (
    select
        connection_id,
        mailbox,
        case suppression_list
            when 'spam_reports' then 'complained'
            when 'bounces' then 'bounced'
            when 'invalid_emails' then 'invalid'
            else 'unsubscribed'
        end as esp_status
    from {{ ref('stg_sendgrid__suppressions') }}
    where suppression_list not in ('blocks', 'group') and mailbox is not null
    qualify row_number() over (
        partition by connection_id, mailbox
        order by
            case suppression_list when 'spam_reports' then 1 when 'unsubscribes' then 2 when 'bounces' then 3 else 4 end asc
    ) = 1
),

known as (
    select
        connection_id,
        mailbox,
        min(contact_id) as contact_id
    from contacts
    group by connection_id, mailbox
),

-- SendGrid's own view is a second lock. `subscribed` is whom nothing there speaks against: a contact is no permission, and
-- neither is this; the ledger decides who may be mailed.
statuses as (
    select
        coalesce(known.connection_id, suppressed.connection_id) as connection_id,
        coalesce(known.mailbox, suppressed.mailbox) as mailbox,
        known.contact_id as esp_id,
        coalesce(suppressed.esp_status, 'subscribed') as esp_status
    from known
    full outer join suppressed
        on known.connection_id = suppressed.connection_id and known.mailbox = suppressed.mailbox
)

select * from statuses
