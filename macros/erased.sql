{# Keeps out who was erased, in the `where` of a staging model's first CTE. `arrived` is the raw table's alias there, `kind` and
   `id` name the record that a row belongs to, `email` a column with an address. #}
{% macro not_erased(arrived, kind=none, id=none, email=none) -%}
    {%- if kind %}
    not exists ({{ erased('record', record_name(arrived, kind, id)) }})
    {%- endif %}
    {%- if kind and email %}
    and {%- endif %}
    {%- if email %}
    not exists ({{ erased('email', arrived ~ '.' ~ email) }})
    {%- endif %}
{%- endmacro %}

{# What stands for an erased person in an order, null for everybody else's. #}
{% macro erased_as(arrived, kind, id, email) -%}
    coalesce(
        ({{ erased('record', record_name(arrived, kind, id), 'max(erased.surrogate)') }}),
        ({{ erased('email', arrived ~ '.' ~ email, 'max(erased.surrogate)') }})
    )
{%- endmacro %}

{% macro erased(kind, value, what='1') -%}
    select {{ what }}
        from {{ source('privacy', 'erased_values') }} as erased
        where erased.kind = '{{ kind }}' and erased.value = {{ value }}
{%- endmacro %}

{% macro record_name(arrived, kind, id) -%}
    {{ arrived }}.connection_id || '/{{ kind }}/' || cast({{ arrived }}.{{ id }} as varchar)
{%- endmacro %}

{# No row of the model has an address or a record of somebody who was erased. Gives back how many have, never who. #}
{% test nobody_was_erased(model, kind=none, id=none, email=none) %}
select count(*) as count_erased
from {{ model }} as arrived
where not ({{ not_erased('arrived', kind, id, email) }})
having count(*) > 0
{% endtest %}
