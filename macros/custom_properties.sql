{# The columns of the vendor's own custom fields, as listed in `vars.custom_properties`, each followed by a comma. #}
{% macro custom_properties(resource) -%}
    {%- set types = {'text': 'varchar', 'json': 'varchar', 'integer': 'bigint', 'decimal': 'decimal(18, 4)', 'boolean': 'boolean', 'date': 'date'} -%}
    {%- for name, type in (var('custom_properties').get(resource) or {}).items() %}
        {% if type == 'timestamp' %}{{ utc_timestamp(name) }}{% else %}cast({{ name }} as {{ types[type] }}){% endif %} as {{ name }},
    {%- endfor %}
{%- endmacro %}
