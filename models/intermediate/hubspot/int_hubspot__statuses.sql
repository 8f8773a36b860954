with contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
    where not is_deleted
),

additional_emails as (
    select * from {{ ref('stg_hubspot__additional_emails') }}
),

-- HubSpot's own view is a second lock. It mails a contact at its first address: whoever allowed another one would be written
-- to where they allowed nothing.
addresses as (
    select
        connection_id,
        contact_id,
        mailbox,
        contact_id as esp_id,
        case when has_opted_out then 'unsubscribed' else 'subscribed' end as esp_status,
        0 as address_rank
    from contacts
    where mailbox is not null
    union all
    select
        additional_emails.connection_id,
        additional_emails.contact_id,
        additional_emails.mailbox,
        cast(null as varchar) as esp_id,
        case when contacts.has_opted_out then 'unsubscribed' else 'another_address' end as esp_status,
        1 as address_rank
    from additional_emails
    inner join contacts
        on additional_emails.connection_id = contacts.connection_id and additional_emails.contact_id = contacts.contact_id
),

-- a contact whose first address it is comes first; of several the one that may not be written to speaks for all
statuses as (
    select
        connection_id,
        mailbox,
        esp_id,
        esp_status
    from addresses
    qualify row_number() over (
        partition by connection_id, mailbox
        order by address_rank asc, case when esp_status = 'subscribed' then 1 else 0 end asc, contact_id asc
    ) = 1
)

select * from statuses
