with contacts as (
    select * from {{ ref('stg_salesforce__contacts') }}
    where mailbox is not null
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
    where mailbox is not null
),

-- a converted lead takes no change any more, and is mailed as its contact
records as (
    select
        connection_id,
        contact_id as record_id,
        email_as_kept,
        mailbox,
        not has_opted_out and not is_deleted and is_email_valid as is_mailable,
        updated_at
    from contacts
    union all
    select
        connection_id,
        lead_id as record_id,
        email_as_kept,
        mailbox,
        not has_opted_out and not is_deleted and not is_converted and is_email_valid as is_mailable,
        updated_at
    from leads
),

addresses_held as (
    select
        connection_id,
        'salesforce' as source,
        '' as container,
        '' as container_name,
        record_id,
        email_as_kept as address,
        mailbox,
        is_mailable,
        cast(null as timestamp) as agreed_at,
        updated_at
    from records
)

select * from addresses_held
