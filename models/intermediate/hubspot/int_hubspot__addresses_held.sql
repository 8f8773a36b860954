{%- set properties = var('hubspot_consent_properties') -%}
{%- set listed = var('custom_properties').get('hubspot_contacts') or {} -%}
with contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
    where mailbox is not null
),

addresses_held as (
    select
        connection_id,
        'hubspot' as source,
        '' as container,
        '' as container_name,
        contact_id as record_id,
        email_as_kept as address,
        mailbox,
        not has_opted_out and not is_deleted and is_email_valid as is_mailable,
        {% if properties.at in listed %}{{ properties.at }}{% else %}cast(null as timestamp){% endif %} as agreed_at,
        updated_at
    from contacts
)

select * from addresses_held
