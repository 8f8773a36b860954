{# The normal forms in which values are compared: what people type differently and mean the same is made equal. #}

{# A calendar day as eight digits, year first, however it was written; a day written otherwise keeps its digits. #}
{% macro plain_date(value) -%}
    {%- set parts = "trim(" ~ replace_every(value, '[^0-9]+', '-') ~ ", '-')" -%}
    nullif(case
        when length(split_part({{ parts }}, '-', 1)) = 4 and split_part({{ parts }}, '-', 3) <> '' then
            split_part({{ parts }}, '-', 1) || lpad(split_part({{ parts }}, '-', 2), 2, '0')
            || lpad(split_part({{ parts }}, '-', 3), 2, '0')
        when length(split_part({{ parts }}, '-', 3)) = 4 then
            split_part({{ parts }}, '-', 3) || lpad(split_part({{ parts }}, '-', 2), 2, '0')
            || lpad(split_part({{ parts }}, '-', 1), 2, '0')
        when length(split_part({{ parts }}, '-', 1)) = 8 then split_part({{ parts }}, '-', 1)
        else replace({{ parts }}, '-', '')
    end, '')
{%- endmacro %}

{# A number of a house, a post code: letters and digits only, lower case. #}
{% macro plain_code(value) -%}
    nullif({{ replace_every("lower(" ~ value ~ ")", '[^a-z0-9]+', '') }}, '')
{%- endmacro %}

{# The last nine digits of a phone number: the same with and without the country's prefix. Fewer than six are no number. #}
{% macro plain_phone(value) -%}
    {%- set digits = replace_every(value, '[^0-9]+', '') -%}
    case when length({{ digits }}) >= 6 then right({{ digits }}, 9) end
{%- endmacro %}

{# An address in lower case, without the tag a person puts behind a + to tell their senders apart. Evidence of who they are,
   not the mailbox that consent goes by. Null when it holds no @. #}
{% macro plain_email(value) -%}
    case when position('@' in {{ value }}) > 1 then {{ replace_every("lower(trim(" ~ value ~ "))", '[+][^@]*@', '@') }} end
{%- endmacro %}

{# Every match of a pattern replaced. #}
{% macro replace_every(value, pattern, replacement) -%}
    {{ return(adapter.dispatch('replace_every')(value, pattern, replacement)) }}
{%- endmacro %}
{% macro default__replace_every(value, pattern, replacement) -%}
    regexp_replace({{ value }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}
{% macro snowflake__replace_every(value, pattern, replacement) -%}
    regexp_replace({{ value }}, '{{ pattern }}', '{{ replacement }}')
{%- endmacro %}

{# How many letters one must change, add or leave out to make one text the other; two neighbours that only changed places, within
   the first dozen letters, are one slip. #}
{% macro typing_distance(one, other) -%}
    case
        when {{ edit_distance(one, other) }} = 2 and length({{ one }}) = length({{ other }}) and {{ other }} in (
            {%- for place in range(1, 12) %}
            left({{ one }}, {{ place - 1 }}) || substring({{ one }}, {{ place + 1 }}, 1) || substring({{ one }}, {{ place }}, 1)
            || substring({{ one }}, {{ place + 2 }}){{ ',' if not loop.last }}
            {%- endfor %}
        ) then 1
        else {{ edit_distance(one, other) }}
    end
{%- endmacro %}

{# The same without the neighbours: such a swap is two changes. #}
{% macro edit_distance(one, other) -%}{{ return(adapter.dispatch('edit_distance')(one, other)) }}{%- endmacro %}
{% macro default__edit_distance(one, other) -%}levenshtein({{ one }}, {{ other }}){%- endmacro %}
{% macro snowflake__edit_distance(one, other) -%}editdistance({{ one }}, {{ other }}){%- endmacro %}
