with contacts as (
    select * from {{ ref('stg_sendgrid__contacts') }}
    where mailbox is not null
),

suppressed as (
    select distinct
        connection_id,
        mailbox
    from {{ ref('stg_sendgrid__suppressions') }}
    where suppression_list not in ('blocks', 'group')
),

-- whoever is not kept out can be mailed, asked or not; when somebody agreed SendGrid does not know
addresses_held as (
    select
        contacts.connection_id,
        'sendgrid' as source,
        '' as container,
        '' as container_name,
        contacts.contact_id as record_id,
        contacts.email_as_kept as address,
        contacts.mailbox,
        suppressed.mailbox is null
        and not contacts.is_deleted
        and contacts.is_email_valid as is_mailable,
        cast(null as timestamp) as agreed_at,
        contacts.updated_at
    from contacts
    left join suppressed
        on contacts.connection_id = suppressed.connection_id and contacts.mailbox = suppressed.mailbox
)

select * from addresses_held
