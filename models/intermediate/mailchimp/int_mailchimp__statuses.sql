with members as (
    select * from {{ ref('stg_mailchimp__members') }}
    where not is_deleted and mailbox is not null
),

-- Mailchimp's own view is a second lock: whoever is not plainly subscribed somewhere is left alone there
statuses as (
    select
        connection_id,
        mailbox,
        case
            when max(case when member_status = 'subscribed' then 1 else 0 end) = 1 then 'subscribed'
            else min(member_status)
        end as esp_status
    from members
    group by connection_id, mailbox
)

select * from statuses
