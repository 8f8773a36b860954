{# Which of the two ways to bring tables of one's own are on, `vars.own_tables`. #}
{% macro own_tables() -%}
    {%- set on = [] -%}
    {%- for name, is_on in var('own_tables').items() if is_on -%}{%- do on.append(name) -%}{%- endfor -%}
    {{ return(on) }}
{%- endmacro %}

{# Whether a source of union_sources is on; `tables` are those of one's own, wherever they come from. #}
{% macro is_source_on(source) -%}
    {{ return(own_tables() | length > 0 if source == 'tables' else var('sources')[source]) }}
{%- endmacro %}

{# One kind of table of one's own from every way that is on: `columns`, source, is_removed, _dlt_load_id; without the erased
   people that `kept` names by kind, id and email. #}
{% macro own_table(table, columns, kept=none) -%}
    {%- for name in own_tables() %}
    select
        arrived.connection_id,
        '{{ name }}' as source,
        {%- for column in columns %}
        arrived.{{ column }},
        {%- endfor %}
        {{ is_removed(name, table, 'arrived', parent='origin') }} as is_removed,
        arrived._dlt_load_id
    from {{ source(name, table) }} as arrived
    {%- if kept %}
    where {{ not_erased('arrived', kept.kind, kept.id, kept.email) }}
    {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
