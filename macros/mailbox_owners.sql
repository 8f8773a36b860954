{# The mailboxes that only one customer uses, with that customer: who a word about a mailbox is about. #}
{% macro mailbox_owners() -%}
    select
        mailbox,
        min(customer_id) as customer_id
    from {{ ref('int_customer_mailboxes_collected') }}
    group by mailbox
    having count(distinct customer_id) = 1
{%- endmacro %}
