{# Whether the table of an earlier run is there to remember. Told apart from is_incremental() because a full refresh must
   not forget what no source can tell again. #}
{% macro remembers() -%}
    {%- if not execute -%}{{ return(false) }}{%- endif -%}
    {{ return(load_relation(this) is not none) }}
{%- endmacro %}
