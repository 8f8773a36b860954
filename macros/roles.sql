{# Who may what on Snowflake, from `vars.warehouse_roles`. DuckDB knows no roles: whoever can read the file can read it. #}

{# `dbt run-operation set_up_roles --target snowflake`, by a role that may make roles and grants (SECURITYADMIN), before the first
   build and whenever the roles change. #}
{% macro set_up_roles() -%}
    {%- for statement in role_statements() -%}
        {%- do run_query(statement) -%}
    {%- endfor -%}
{%- endmacro %}

{# What set_up_roles runs, in order; each statement may be run again. What is built later is granted ahead of time, so that no
   build needs the right to grant. #}
{% macro role_statements() -%}
    {%- set roles = var('warehouse_roles') -%}
    {%- set database = target.database -%}
    {%- set reads = {
        'viewer': ['marts', 'profiles', 'segments'],
        'editor': ['staging', 'intermediate', 'quality'],
        'approver': ['reverse_sync'],
    } -%}
    {%- set found = [] -%}
    {%- for role in roles.values() | unique -%}
        {%- do found.append('create role if not exists ' ~ role) -%}
        {%- do found.append('grant usage on warehouse ' ~ target.warehouse ~ ' to role ' ~ role) -%}
        {%- do found.append('grant usage on database ' ~ database ~ ' to role ' ~ role) -%}
    {%- endfor -%}
    {%- do found.append('grant create schema on database ' ~ database ~ ' to role ' ~ roles.builder) -%}
    {%- do found.append('grant create schema on database ' ~ database ~ ' to role ' ~ roles.editor) -%}
    {%- for role in ['editor', 'approver'] -%}
        {%- do found.append('grant role ' ~ roles.viewer ~ ' to role ' ~ roles[role]) -%}
    {%- endfor -%}
    {%- for role, schemas in reads.items() -%}
        {%- for schema in schemas -%}
            {%- set place = database ~ '.' ~ schema -%}
            {%- do found.append('create schema if not exists ' ~ place) -%}
            {%- do found.append('grant all on schema ' ~ place ~ ' to role ' ~ roles.builder) -%}
            {%- do found.append('grant usage on schema ' ~ place ~ ' to role ' ~ roles[role]) -%}
            {%- for kind in ['tables', 'views'] -%}
                {%- for which in ['all', 'future'] -%}
                    {%- do found.append(
                        'grant select on ' ~ which ~ ' ' ~ kind ~ ' in schema ' ~ place ~ ' to role ' ~ roles[role]
                    ) -%}
                {%- endfor -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
