{# Whether the vendor no longer knows a record of `resource`. `record` and `parent` are qualified expressions. #}
{% macro is_removed(source_name, resource, relation, record='id', parent=none) -%}
    exists (
        select 1
        from {{ source(source_name, 'removed') }} as removed
        where
            removed.resource = '{{ resource }}'
            and removed.connection_id = {{ relation }}.connection_id
            and removed.id = {{ relation }}.{{ record }}
            {%- if parent %}
            and removed.parent_id = {{ relation }}.{{ parent }}
            {%- endif %}
    )
{%- endmacro %}
