{# The normal form of a raw address or number. `raw` and `region` must be qualified columns of the query around it.
   form: narrow (identifies, and what a person grants) or wide (what a person refuses). A value that is not
   normalised yet falls back to lower(trim()); a data test on the source then holds the segments back. #}
{% macro contact_point(kind, raw, region=none, form='narrow') -%}
    coalesce(
        {{ contact_point_lookup(kind, raw, region, 'max(coalesce(points.' ~ form ~ ', points.wide))') }},
        nullif(lower(trim({{ raw }})), '')
    )
{%- endmacro %}

{# Whether the value can be reached at all. Not normalised yet: whether it looks like it. #}
{% macro contact_point_is_valid(kind, raw, region=none) -%}
    coalesce(
        {{ contact_point_lookup(kind, raw, region, 'max(case when points.is_valid then 1 else 0 end)') }} = 1,
        {{ raw }} like {{ "'%_@_%'" if kind == 'email' else "'+%'" }},
        false
    )
{%- endmacro %}

{% macro contact_point_lookup(kind, raw, region, value) -%}
    (
        select {{ value }}
        from {{ source('contact_points', 'normalised') }} as points
        where
            points.kind = '{{ kind }}'
            and points.raw_value = {{ raw }}
            and points.region = {{ "coalesce(upper(" ~ region ~ "), '')" if region else "''" }}
    )
{%- endmacro %}
