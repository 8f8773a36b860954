with contacts as (
    select * from {{ ref('stg_salesforce__contacts') }}
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

records as (
    select
        connection_id,
        'contact' as record_type,
        contact_id as record_id,
        email,
        mailbox,
        has_opted_out,
        bounced_at,
        updated_at
    from contacts
    union all
    select
        connection_id,
        'lead' as record_type,
        lead_id as record_id,
        email,
        mailbox,
        has_opted_out,
        bounced_at,
        updated_at
    from leads
),

-- the flag says not since when: it was at the latest when the record last changed
acts as (
    select
        records.*,
        'withdraw' as act,
        'crm_opt_out' as reason,
        '*' as purpose,
        cast(null as varchar) as evidence,
        false as is_origin_dated,
        updated_at as occurred_at,
        updated_at as received_at
    from records
    where has_opted_out
    union all
    select
        records.*,
        'block' as act,
        'hard_bounce' as reason,
        '*' as purpose,
        cast(null as varchar) as evidence,
        true as is_origin_dated,
        bounced_at as occurred_at,
        updated_at as received_at
    from records
    where bounced_at is not null
),

consent_acts as (
    {{ consent_acts_of('acts', 'salesforce', 'record_type', 'record_id') }}
)

select * from consent_acts
