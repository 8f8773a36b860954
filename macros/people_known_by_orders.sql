{# The people whom only their orders tell of, each by their latest one, in the shape that people have. `orders` is an order a
   row, with source, record_type and record_id; `order_id` breaks ties. #}
{% macro people_known_by_orders(orders, order_id) -%}
    select
        connection_id,
        source,
        record_type,
        record_id,
        email,
        mailbox,
        is_email_valid,
        null as phone,
        null as first_name,
        null as last_name,
        null as company,
        null as city,
        null as zip,
        country_code,
        null as language,
        false as is_deleted,
        true as has_own_name,
        min(ordered_at) over (partition by connection_id, record_type, record_id) as created_at,
        updated_at
    from {{ orders }}
    qualify row_number() over (
        partition by connection_id, record_type, record_id
        order by ordered_at desc, {{ order_id }} asc
    ) = 1
{%- endmacro %}
