{%- set properties = var('hubspot_consent_properties') -%}
{%- set listed = var('custom_properties').get('hubspot_contacts') or {} -%}
with contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

-- the CRM keeps no time of an opt-out: it was at the latest when the contact last changed
opt_outs as (
    select
        connection_id,
        contact_id,
        email,
        mailbox,
        '*' as purpose,
        'withdraw' as act,
        'crm_opt_out' as reason,
        cast(null as varchar) as evidence,
        false as is_origin_dated,
        updated_at as occurred_at,
        updated_at as received_at
    from contacts
    where has_opted_out
),

grants as (
    select
        connection_id,
        contact_id,
        email,
        mailbox,
        'marketing_email' as purpose,
        'grant' as act,
        'crm' as reason,
        {% if properties.evidence in listed %}lower(nullif(trim({{ properties.evidence }}), '')){% else %}cast(null as varchar){% endif %} as evidence,
        true as is_origin_dated,
        {% if properties.at in listed %}{{ properties.at }}{% else %}cast(null as timestamp){% endif %} as occurred_at,
        updated_at as received_at
    from contacts
    where not is_deleted
),

acts as (
    select * from opt_outs
    union all
    select * from grants
    where occurred_at is not null or evidence is not null
),

consent_acts as (
    select
        connection_id,
        'hubspot' as source,
        'contact' as record_type,
        contact_id as record_id,
        email as address,
        mailbox,
        purpose,
        act,
        reason,
        evidence,
        is_origin_dated,
        occurred_at,
        received_at
    from acts
)

select * from consent_acts
