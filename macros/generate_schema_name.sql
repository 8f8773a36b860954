{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set layer = (custom_schema_name or target.schema) | trim -%}
    {{- 'dev_' ~ layer if target.name in ('dev', 'dev_encrypted') else layer -}}
{%- endmacro %}
