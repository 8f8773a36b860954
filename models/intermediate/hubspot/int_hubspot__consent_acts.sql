{%- set properties = var('hubspot_consent_properties') -%}
{%- set listed = var('custom_properties').get('hubspot_contacts') or {} -%}
with contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

subscription_statuses as (
    select * from {{ ref('stg_hubspot__subscription_statuses') }}
),

email_events as (
    select * from {{ ref('int_hubspot__email_events') }}
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

-- One kind of mail refused, the others not; a kind that nobody gave a purpose is marketing. Whoever opted out of everything
-- has done so above. A yes among the preferences binds nobody: an import or a click of ours may have put it there.
refused_kinds as (
    select
        subscription_statuses.connection_id,
        subscription_statuses.contact_id,
        subscription_statuses.email,
        subscription_statuses.mailbox,
        {% set purposes = var('hubspot_subscription_purposes') -%}
        {% if purposes -%}
        case subscription_statuses.subscription_id
            {%- for kind, purpose in purposes.items() %}
            when '{{ kind }}' then '{{ purpose }}'
            {%- endfor %}
            else 'marketing_email'
        end as purpose,
        {%- else -%}
        'marketing_email' as purpose,
        {%- endif %}
        'withdraw' as act,
        'subscription_opt_out' as reason,
        cast(null as varchar) as evidence,
        true as is_origin_dated,
        subscription_statuses.decided_at as occurred_at,
        subscription_statuses.loaded_at as received_at
    from subscription_statuses
    left join contacts
        on
            subscription_statuses.connection_id = contacts.connection_id
            and subscription_statuses.contact_id = contacts.contact_id
    where subscription_statuses.status = 'unsubscribed' and not coalesce(contacts.has_opted_out, false)
),

complaints as (
    select
        connection_id,
        record_id as contact_id,
        email,
        mailbox,
        '*' as purpose,
        'block' as act,
        'complaint' as reason,
        cast(null as varchar) as evidence,
        true as is_origin_dated,
        occurred_at,
        occurred_at as received_at
    from email_events
    where event_type = 'complaint'
),

acts as (
    select * from opt_outs
    union all
    select * from refused_kinds
    union all
    select * from complaints
    union all
    select * from grants
    where occurred_at is not null or evidence is not null
),

consent_acts as (
    {{ consent_acts_of('acts', 'hubspot', "'contact'", 'contact_id') }}
)

select * from consent_acts
