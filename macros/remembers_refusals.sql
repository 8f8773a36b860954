{# Whether the ledger of an earlier run is there to remember. Told apart from is_incremental() because a full refresh
   must not forget: a vendor that forgets a refusal (an archived member, a cleared flag) does not take it back. #}
{% macro remembers_refusals() -%}
    {%- if not execute -%}{{ return(false) }}{%- endif -%}
    {{ return(load_relation(this) is not none) }}
{%- endmacro %}
