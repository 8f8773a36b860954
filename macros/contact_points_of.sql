{# What the records of `relation` can be reached at, a row each. `points` names, for each, its kind (email or phone), its
   narrow and its wide form and whether it is valid; `record_type` and the others are SQL over `relation`. #}
{% macro contact_points_of(relation, record_type, record_id, points) -%}
    {%- for kind, value, wide_value, is_valid in points %}
    select
        connection_id,
        {{ record_type }} as record_type,
        {{ record_id }} as record_id,
        '{{ kind }}' as kind,
        {{ value }} as value,
        {{ wide_value }} as wide_value,
        {{ is_valid }} as is_valid
    from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
