{# dbt's first question of a run. Before it is asked, the database and the warehouse are there for this role: of a missing one
   Snowflake itself says only that an object does not exist, or that no warehouse is active, and never which. #}
{% macro snowflake__list_schemas(database) -%}
    {%- do require_visible('database', database) -%}
    {%- do require_visible('warehouse', target.warehouse) -%}
    {{ return(run_query('show terse schemas in database ' ~ database ~ ' limit 10000')) }} {#- more it does not give -#}
{%- endmacro %}

{# Stops with one line that says what is missing, and how to get it. #}
{% macro require_visible(kind, name) -%}
    {%- set seen = run_query("show " ~ kind ~ "s like '" ~ name ~ "'").columns['name'].values() | map('upper') | list -%}
    {%- if name | upper not in seen -%}
        {{ exceptions.raise_compiler_error(
            'the ' ~ kind ~ ' ' ~ name ~ ' is not there, or not for the role ' ~ target.role ~ '; make it, or `grant usage on '
            ~ kind ~ ' ' ~ name ~ ' to role ' ~ target.role ~ '` (docs/snowflake.md)'
        ) }}
    {%- endif -%}
{%- endmacro %}
