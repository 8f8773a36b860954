{# How far two values agree, as a number: 0 is not at all, the highest is equal, null is that one of them is not known and
   says nothing. `one` and `other` are the records of the pair. Weights belong to these numbers (seeds/identity_weights.csv):
   whoever changes what a level means must train anew. #}
{% macro identity_level(field, kind) -%}
    {%- if kind == 'given_name' %}{{ given_name_level() }}
    {%- elif kind == 'family_name' %}{{ family_name_level() }}
    {%- elif kind == 'date' %}{{ date_level(field) }}
    {%- elif kind == 'code' %}{{ code_level(field) }}
    {%- elif kind == 'text' %}{{ text_level(field) }}
    {%- elif kind == 'area' %}{{ area_level(field) }}
    {%- elif kind == 'email' %}{{ email_level(field) }}
    {%- endif %}
{%- endmacro %}

{# Both names are there, in each other's place. #}
{% macro names_are_swapped() -%}
    one.given_name = other.family_name and one.family_name = other.given_name and one.given_name <> one.family_name
{%- endmacro %}

{% macro given_name_level() -%}
    case
        when one.given_name is null or other.given_name is null then null
        when one.given_name = other.given_name then 5
        when {{ names_are_swapped() }} then 4
        when shortened.nickname is not null or lengthened.nickname is not null then 3
        when least(length(one.given_name), length(other.given_name)) = 1
            and left(one.given_name, 1) = left(other.given_name, 1) then 3
        when {{ name_similarity('one.given_name', 'other.given_name') }} >= {{ var('identity_close') }} then 2
        when {{ name_similarity('one.given_name', 'other.given_name') }} >= {{ var('identity_near') }} then 1
        else 0
    end
{%- endmacro %}

{# Swapped names are said once, by the given name. #}
{% macro family_name_level() -%}
    case
        when one.family_name is null or other.family_name is null then null
        when one.family_name = other.family_name then 3
        when {{ names_are_swapped() }} then null
        when {{ name_similarity('one.family_name', 'other.family_name') }} >= {{ var('identity_close') }} then 2
        when {{ name_similarity('one.family_name', 'other.family_name') }} >= {{ var('identity_near') }} then 1
        else 0
    end
{%- endmacro %}

{# One slip, or day and month swapped; two slips. #}
{% macro date_level(field) -%}
    case
        when one.{{ field }} is null or other.{{ field }} is null then null
        when one.{{ field }} = other.{{ field }} then 3
        when length(one.{{ field }}) = 8
            and left(one.{{ field }}, 4) || right(one.{{ field }}, 2) || substring(one.{{ field }}, 5, 2)
            = other.{{ field }} then 2
        when {{ typing_distance('one.' ~ field, 'other.' ~ field) }} <= 1 then 2
        when {{ typing_distance('one.' ~ field, 'other.' ~ field) }} <= 2 then 1
        else 0
    end
{%- endmacro %}

{# One slip, where there is more than one sign to slip on. #}
{% macro code_level(field) -%}
    case
        when one.{{ field }} is null or other.{{ field }} is null then null
        when one.{{ field }} = other.{{ field }} then 2
        when least(length(one.{{ field }}), length(other.{{ field }})) >= 2
            and {{ typing_distance('one.' ~ field, 'other.' ~ field) }} <= 1 then 1
        else 0
    end
{%- endmacro %}

{% macro text_level(field) -%}
    case
        when one.{{ field }} is null or other.{{ field }} is null then null
        when one.{{ field }} = other.{{ field }} then 3
        when {{ name_similarity('one.' ~ field, 'other.' ~ field) }} >= {{ var('identity_close') }} then 2
        when {{ name_similarity('one.' ~ field, 'other.' ~ field) }} >= {{ var('identity_near') }} then 1
        else 0
    end
{%- endmacro %}

{# A post code or a town already says in which area it is: the area counts only where those do not agree. #}
{% macro area_level(field) -%}
    case
        when one.{{ field }} is null or other.{{ field }} is null then null
        when coalesce(one.postcode = other.postcode, false) or coalesce(one.city = other.city, false) then null
        when one.{{ field }} = other.{{ field }} then 1
        else 0
    end
{%- endmacro %}

{# The same name at another provider; a misspelt address. Addresses are made of names: where both names are equal already, a
   similar address only repeats them, unless a number in it is the same too. #}
{% macro email_level(field) -%}
    {%- set local_part = "split_part(one." ~ field ~ ", '@', 1)" -%}
    case
        when one.{{ field }} is null or other.{{ field }} is null then null
        when one.{{ field }} = other.{{ field }} then 3
        when {{ local_part }} = split_part(other.{{ field }}, '@', 1)
            and {{ local_part }} <> {{ replace_every(local_part, '[0-9]', '') }} then 2
        when one.given_name = other.given_name and one.family_name = other.family_name
            and {{ name_similarity('one.' ~ field, 'other.' ~ field) }} >= {{ var('identity_close') }} then null
        when {{ local_part }} = split_part(other.{{ field }}, '@', 1) then 2
        when {{ name_similarity('one.' ~ field, 'other.' ~ field) }} >= {{ var('identity_close') }} then 1
        else 0
    end
{%- endmacro %}

{# CTE `compared`: each pair of the CTE `pairs` (record_number, other_number and the columns of `keeping`) with its levels,
   `<field>_level`. #}
{% macro identity_compared(pairs, keeping=[]) -%}
compared as (
    select
        pairs.record_number,
        pairs.other_number,
        {%- for column in keeping %}
        pairs.{{ column }},
        {%- endfor %}
        {%- for field, kind in identity_comparisons().items() %}
        cast({{ identity_level(field, kind) }} as smallint) as {{ field }}_level{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ pairs }} as pairs
    inner join {{ ref('int_identity_records_cleaned') }} as one on pairs.record_number = one.record_number
    inner join {{ ref('int_identity_records_cleaned') }} as other on pairs.other_number = other.record_number
    left join {{ ref('nicknames') }} as shortened
        on one.given_name = shortened.given_name and other.given_name = shortened.nickname
    left join {{ ref('nicknames') }} as lengthened
        on one.given_name = lengthened.nickname and other.given_name = lengthened.given_name
)
{%- endmacro %}
