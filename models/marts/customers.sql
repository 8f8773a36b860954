{%- set parts = {
    'email': 'email', 'mailbox': 'email', 'first_name': 'name', 'last_name': 'name', 'phone': 'phone',
    'company': 'company', 'city': 'address', 'zip': 'address', 'country_code': 'address', 'language': 'language',
} -%}
{%- set positions = {
    'email': 1, 'mailbox': 2, 'first_name': 1, 'last_name': 2, 'phone': 1, 'company': 1,
    'city': 1, 'zip': 2, 'country_code': 3, 'language': 1,
} -%}
{%- set enrichment = var('customer_enrichment') if own_tables() else {} -%}
with people as (
    select * from {{ ref('int_customer_records_counted') }}
    where not is_gone
),

fields as (
    select * from {{ ref('int_customer_fields_chosen') }}
),

customer_orders as (
    select * from {{ ref('int_customer_orders_summed') }}
),

mailboxes as (
    select
        customer_id,
        email,
        max(case when is_email_valid then 1 else 0 end) = 1 as is_email_valid
    from {{ ref('int_customer_mailboxes_collected') }}
    group by customer_id, email
),

{% if enrichment -%}
enrichment as (
    select * from {{ ref('int_customer_enrichment_chosen') }}
),

{% endif -%}
golden as (
    select
        {% for name, part in parts.items() -%}
        {%- set value = 'value_' ~ positions[name] -%}
        max(case when field = '{{ part }}' then {{ value }} end) as {{ name }},
        max(case when field = '{{ part }}' and {{ value }} is not null then value_source end) as {{ name }}_source,
        {% endfor -%}
        customer_id
    from fields
    group by customer_id
),

customers as (
    select
        people.customer_id,
        golden.email,
        golden.email_source,
        golden.mailbox,
        golden.first_name,
        golden.first_name_source,
        golden.last_name,
        golden.last_name_source,
        golden.phone,
        golden.phone_source,
        golden.company,
        golden.company_source,
        golden.city,
        golden.city_source,
        golden.zip,
        golden.zip_source,
        golden.country_code,
        golden.country_code_source,
        golden.language,
        golden.language_source,
        {%- for name in enrichment %}
        enrichment.{{ name }},
        {%- endfor %}
        cast(people.count_records as bigint) as count_records,
        cast(people.count_sources as bigint) as count_sources,
        cast(coalesce(customer_orders.count_orders, 0) as bigint) as count_orders,
        cast(coalesce(customer_orders.gross_spend, 0) as decimal(18, 4)) as gross_spend,
        cast(coalesce(customer_orders.net_spend, 0) as decimal(18, 4)) as net_spend,
        coalesce(mailboxes.is_email_valid, false) as is_email_valid,
        customer_orders.first_order_date,
        customer_orders.last_order_date,
        people.first_seen_at
    from people
    left join golden on people.customer_id = golden.customer_id
    left join customer_orders on people.customer_id = customer_orders.customer_id
    left join mailboxes on people.customer_id = mailboxes.customer_id and golden.email = mailboxes.email
    {%- if enrichment %}
    left join enrichment on people.customer_id = enrichment.customer_id
    {%- endif %}
)

select * from customers
