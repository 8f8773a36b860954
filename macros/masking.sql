{# Masking on Snowflake, driven by meta.pii. Every schema carries the tag `pii` with the value `unclassified`, and the tag carries
   the masking policies: a table is masked in full from the moment it is created. The post-hook below then says of each column
   that is described what it holds, or `none`, which unmasks it. What nobody has described stays masked. DuckDB knows no
   policies: the file is encrypted, or whoever can read it can read all of it. #}

{% macro personal_kinds() -%}
    {{ return(['email', 'phone', 'contact', 'name', 'address', 'birth_date', 'ip', 'profile', 'pseudonym']) }}
{%- endmacro %}

{# The statements that mark the columns of a model, for its post-hook; nothing where the engine has no tags. #}
{% macro mark_personal_columns(node=none, relation=none) -%}
    {{ return(adapter.dispatch('mark_personal_columns')(node or model, relation or this)) }}
{%- endmacro %}
{% macro default__mark_personal_columns(node, relation) -%}{%- endmacro %}
{% macro snowflake__mark_personal_columns(node, relation) -%}
    {%- set kind_of_relation = 'view' if node.config.materialized == 'view' else 'table' -%}
    {%- for column in node.columns.values() %}
        {%- set kind = ((column.get('config') or {}).get('meta') or {}).get('pii', 'none') %}
alter {{ kind_of_relation }} {{ relation }} modify column {{ column.name }} set tag {{ target.database }}.privacy.pii = '{{ kind }}';
    {%- endfor %}
{%- endmacro %}

{# `dbt run-operation set_up_masking --target snowflake`, by a role that may make tags and policies, before the first build
   and whenever the roles of `vars.personal_data_roles` change. #}
{% macro set_up_masking() -%}
    {%- for statement in masking_statements() -%}
        {%- do run_query(statement) -%}
    {%- endfor -%}
{%- endmacro %}

{# What set_up_masking runs, in order; each statement may be run again. #}
{% macro masking_statements() -%}
    {%- set privacy = target.database ~ '.privacy' -%}
    {%- set found = [
        'create schema if not exists ' ~ privacy,
        "create tag if not exists " ~ privacy ~ ".pii allowed_values 'unclassified', 'none', '"
            ~ personal_kinds() | join("', '") ~ "'",
    ] -%}
    {%- for policy, type in [('mask_text', 'varchar'), ('mask_date', 'date')] -%}
        {%- set body = masked_value(privacy, type) -%}
        {%- do found.append(
            'create masking policy if not exists ' ~ privacy ~ '.' ~ policy ~ ' as (value ' ~ type ~ ') returns ' ~ type
            ~ ' -> ' ~ body
        ) -%}
        {%- do found.append('alter masking policy ' ~ privacy ~ '.' ~ policy ~ ' set body -> ' ~ body) -%}
    {%- endfor -%}
    {%- do found.append(
        'alter tag ' ~ privacy ~ '.pii set masking policy ' ~ privacy ~ '.mask_text, masking policy ' ~ privacy
        ~ '.mask_date force'
    ) -%}
    {%- for schema in masked_schemas() -%}
        {%- do found.append('create schema if not exists ' ~ target.database ~ '.' ~ schema) -%}
        {%- do found.append(
            'grant all on schema ' ~ target.database ~ '.' ~ schema ~ ' to role ' ~ var('warehouse_roles').builder
        ) -%}
        {%- do found.append('alter schema ' ~ target.database ~ '.' ~ schema ~ " set tag " ~ privacy ~ ".pii = 'unclassified'") -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# What a policy shows of a value: all of it to the roles that may see people, the domain of an address, a hash of an id. #}
{% macro masked_value(privacy, type) -%}
    {%- set kind = "system$get_tag_on_current_column('" ~ privacy ~ ".pii')" -%}
    case
        {%- for role in var('personal_data_roles') %}
        when is_role_in_session('{{ role | upper }}') then value
        {%- endfor %}
        when {{ kind }} = 'none' then value
        {%- if type == 'varchar' %}
        when {{ kind }} = 'email' then regexp_replace(value, '^.*@', '***@')
        when {{ kind }} = 'pseudonym' then sha2(value)
        {%- endif %}
        else null
    end
{%- endmacro %}

{# Every schema that holds rows: those that are landed into, dlt's copies beside them, and those that dbt builds. #}
{% macro masked_schemas() -%}
    {%- set found = [] -%}
    {%- for source in graph.sources.values() -%}
        {%- do found.append(source.schema) -%}
        {%- if source.source_meta.get('vendor') or (source.config.get('meta') or {}).get('vendor') -%}
            {%- do found.append(source.schema ~ '_staging') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed') -%}
        {%- do found.append(node.schema) -%}
    {%- endfor -%}
    {{ return(found | unique | sort | list) }}
{%- endmacro %}
