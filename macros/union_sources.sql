{# Unites `int_<source>__<things>` of every source that is switched on. `columns` says name: type, in order, so that
   the answer has its shape even when no source that knows such things is on. #}
{% macro union_sources(things, sources, columns) -%}
    {%- set on = [] -%}
    {%- for source in sources if is_source_on(source) -%}{%- do on.append(source) -%}{%- endfor -%}
    {%- for source in on %}
    select
        {%- for name, type in columns.items() %}
        cast({{ name }} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_' ~ source ~ '__' ~ things) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- else %}
    select
        {%- for name, type in columns.items() %}
        cast(null as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    where 1 = 0
    {%- endfor %}
{%- endmacro %}
