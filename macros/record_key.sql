{# How a record is called everywhere: connection, kind of record and the vendor's own id. #}
{% macro record_key(relation, type='record_type', id='record_id') -%}
    {{ relation }}.connection_id || '/' || {{ relation }}.{{ type }} || '/' || {{ relation }}.{{ id }}
{%- endmacro %}
