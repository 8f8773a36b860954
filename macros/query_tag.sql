{# Every statement of a node carries a tag that names the node and the run, so that Snowflake's query history can be summed by
   either: `select parse_json(query_tag):node, sum(credits_used_cloud_services) from snowflake.account_usage.query_history …`. #}
{% macro node_query_tag() -%}
    {{ return(tojson({'app': 'mailhouse', 'node': model.name, 'run': invocation_id, 'target': target.name})) }}
{%- endmacro %}

{# dbt asks for these two before and after each node; they take the place of dbt-snowflake's own, which want a tag that is the
   same for all. #}
{% macro snowflake__set_query_tag() -%}
    {%- do run_query("alter session set query_tag = '" ~ node_query_tag() ~ "'") -%}
{%- endmacro %}

{% macro snowflake__unset_query_tag(original_query_tag) -%}
    {%- do run_query('alter session unset query_tag') -%}
{%- endmacro %}
