{# Keeps the last landed version of each record, whatever an unfinished load has left behind. `tie_break`: a column that
   says which of two versions from one load is newer. #}
{% macro latest_version(keys, tie_break=none) -%}
    qualify row_number() over (
        partition by {{ keys | join(', ') }}
        order by {% if tie_break %}{{ tie_break }} desc nulls last, {% endif %}_dlt_load_id desc
    ) = 1
{%- endmacro %}
