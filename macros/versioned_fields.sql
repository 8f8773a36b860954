{# Some columns as one text: equal exactly when all of them are, nulls included. #}
{% macro versioned_fields(fields) -%}
    {%- for field in fields -%}
    case when {{ field }} is null then '-' else '+' || replace({{ field }}, '|', '||') end
    {%- if not loop.last %} || ' | ' || {% endif -%}
    {%- endfor -%}
{%- endmacro %}
