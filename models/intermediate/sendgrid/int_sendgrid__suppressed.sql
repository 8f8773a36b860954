with suppressions as (
    select * from {{ ref('stg_sendgrid__suppressions') }}
),

contacts as (
    select * from {{ ref('stg_sendgrid__contacts') }}
    where mailbox is not null
),

-- a suppression is of an address, whether there is a contact of it or not
owners as (
    select
        connection_id,
        mailbox,
        min(contact_id) as contact_id,
        max(load_number) as load_number
    from contacts
    group by connection_id, mailbox
),

suppressed as (
    select
        suppressions.connection_id,
        suppressions.suppression_id,
        suppressions.suppression_list,
        suppressions.group_id,
        suppressions.group_name,
        suppressions.email,
        suppressions.mailbox,
        suppressions.suppressed_at,
        case when owners.contact_id is null then 'suppression' else 'contact' end as record_type,
        coalesce(owners.contact_id, suppressions.suppression_id) as record_id,
        -- the newest load that anything of it came with, so that an incremental run finds what changed
        greatest(suppressions.load_number, coalesce(owners.load_number, suppressions.load_number)) as load_number
    from suppressions
    left join owners
        on suppressions.connection_id = owners.connection_id and suppressions.mailbox = owners.mailbox
)

select * from suppressed
