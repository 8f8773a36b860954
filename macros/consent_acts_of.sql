{# The acts of `relation` in the shape in which every source hands its own to the ledger; `record_type` and `record_id` are SQL
   over it. #}
{% macro consent_acts_of(relation, source, record_type, record_id) -%}
    select
        connection_id,
        '{{ source }}' as source,
        {{ record_type }} as record_type,
        {{ record_id }} as record_id,
        email as address,
        mailbox,
        purpose,
        act,
        reason,
        evidence,
        is_origin_dated,
        occurred_at,
        received_at
    from {{ relation }}
{%- endmacro %}
