{%- set wanted = var('customer_enrichment') -%}
{{ config(materialized='table', enabled=own_tables() | length > 0 and var('customer_enrichment') | length > 0) }}

with enrichment as (
    select * from {{ ref('stg_tables__enrichment') }}
    where value is not null
),

identities as (
    select * from {{ ref('int_identities_resolved') }}
),

-- what is said of a mailbox is somebody's only when nobody else uses it
mailbox_owners as (
    {{ mailbox_owners() }}
),

owned as (
    select
        enrichment.value_name,
        enrichment.value,
        enrichment.updated_at,
        enrichment.own_value_id,
        coalesce(identities.customer_id, mailbox_owners.customer_id) as customer_id
    from enrichment
    left join identities
        on enrichment.connection_id || '/own_contact/' || enrichment.own_contact_id = identities.record_key
    left join mailbox_owners on enrichment.own_contact_id is null and enrichment.mailbox = mailbox_owners.mailbox
),

-- the newest value of each name; of equally new ones that of the lowest key
latest as (
    select * from owned
    where customer_id is not null
    qualify row_number() over (
        partition by customer_id, value_name
        order by updated_at desc nulls last, own_value_id asc
    ) = 1
),

chosen as (
    select
        {%- for name, type in wanted.items() %}
        {{ text_as("max(case when value_name = '" ~ name ~ "' then value end)", type) }} as {{ name }},
        {%- endfor %}
        customer_id
    from latest
    group by customer_id
)

select * from chosen
