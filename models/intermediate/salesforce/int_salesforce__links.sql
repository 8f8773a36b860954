with contacts as (
    select * from {{ ref('stg_salesforce__contacts') }}
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

-- a record that was merged is its master, a lead that was converted is its contact
links as (
    select
        connection_id,
        'contact' as record_type,
        contact_id as record_id,
        'contact' as root_type,
        master_contact_id as root_id
    from contacts
    where master_contact_id is not null
    union all
    select
        connection_id,
        'lead' as record_type,
        lead_id as record_id,
        'lead' as root_type,
        master_lead_id as root_id
    from leads
    where master_lead_id is not null
    union all
    select
        connection_id,
        'lead' as record_type,
        lead_id as record_id,
        'contact' as root_type,
        contact_id as root_id
    from leads
    where is_converted and contact_id is not null
)

select * from links
