{# The key of a model, when it is made of several columns: never null in any part, and unique as a whole. #}
{% test unique_together(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {%- for column in columns %}
    or {{ column }} is null
    {%- endfor %}
{% endtest %}

{# Nothing is lost and nothing doubled on the way from `of` (a ref or source) to this model. `of_where` and
   `where_here` name the rows that are to be compared; `of_keys` counts distinct keys instead of rows. #}
{% test same_row_count(model, of, of_keys=none, of_where=none, where_here=none) %}
with here as (
    select count(*) as count_rows
    from {{ model }}
    {%- if where_here %}
    where {{ where_here }}
    {%- endif %}
),

there as (
    select count(*) as count_rows
    from (
        select {% if of_keys %}distinct {{ of_keys | join(', ') }}{% else %}1 as one{% endif %}
        from {{ of }}
        {%- if of_where %}
        where {{ of_where }}
        {%- endif %}
    ) as kept
)

select
    here.count_rows as count_here,
    there.count_rows as count_there
from here
cross join there
where here.count_rows <> there.count_rows
{% endtest %}

{# Every value is one of a seed's or model's; nulls are left to not_null. #}
{% test values_of(model, column_name, relation, field) %}
select distinct here.{{ column_name }}
from {{ model }} as here
left join {{ relation }} as known on here.{{ column_name }} = known.{{ field }}
where here.{{ column_name }} is not null and known.{{ field }} is null
{% endtest %}

{# Every raw value of a contact point has its normal form; without it identity and consent would rest on a guess.
   Gives back how many values are missing, never the values. #}
{% test is_normalised(model, column_name, kind, region_column=none, separator=none) %}
with raw_values as (
    select
        {{ column_name }} as raw_value,
        {{ "coalesce(upper(" ~ region_column ~ "), '')" if region_column else "''" }} as region
    from {{ model }}
    where {{ column_name }} is not null
),

parts as (
    {% if separator -%}
    {{ split_to_rows('raw_values', ['region'], 'raw_value', separator) }}
    {%- else -%}
    select
        region,
        raw_value as part
    from raw_values
    {%- endif %}
),

missing as (
    select count(*) as count_missing
    from parts
    left join {{ source('contact_points', 'normalised') }} as points
        on points.kind = '{{ kind }}' and parts.part = points.raw_value and parts.region = points.region
    where points.raw_value is null
)

select count_missing
from missing
where count_missing > 0
{% endtest %}
