{# What DuckDB and Snowflake say differently, one small macro each. Models never ask which engine they run on. #}

{# A moment with a zone as a plain timestamp in UTC. #}
{% macro utc_timestamp(moment) -%}{{ return(adapter.dispatch('utc_timestamp')(moment)) }}{%- endmacro %}
{% macro default__utc_timestamp(moment) -%}cast({{ moment }} as timestamp){%- endmacro %}
{% macro snowflake__utc_timestamp(moment) -%}cast(convert_timezone('UTC', {{ moment }}) as timestamp_ntz){%- endmacro %}

{# The engine's clock, in UTC. #}
{% macro engine_now() -%}{{ return(adapter.dispatch('engine_now')()) }}{%- endmacro %}
{% macro default__engine_now() -%}cast(now() as timestamp){%- endmacro %}
{% macro snowflake__engine_now() -%}cast(convert_timezone('UTC', current_timestamp()) as timestamp_ntz){%- endmacro %}

{# Seconds since 1970, given as text, as a plain timestamp in UTC. #}
{% macro epoch_timestamp(seconds) -%}{{ return(adapter.dispatch('epoch_timestamp')(seconds)) }}{%- endmacro %}
{% macro default__epoch_timestamp(seconds) -%}
    cast(to_timestamp(cast({{ seconds }} as double)) as timestamp)
{%- endmacro %}
{% macro snowflake__epoch_timestamp(seconds) -%}
    to_timestamp_ntz(cast(cast({{ seconds }} as double) * 1000 as bigint), 3)
{%- endmacro %}

{# One field of a JSON text as text; null when it is absent or JSON's null. #}
{% macro json_text(column, field) -%}{{ return(adapter.dispatch('json_text')(column, field)) }}{%- endmacro %}
{% macro default__json_text(column, field) -%}json_extract_string({{ column }}, '$."{{ field }}"'){%- endmacro %}
{% macro snowflake__json_text(column, field) -%}
    cast(get(parse_json({{ column }}), '{{ field }}') as varchar)
{%- endmacro %}

{# A moment written in ISO 8601 as a plain timestamp in UTC; UTC is meant where the text names no offset. #}
{% macro text_timestamp(text) -%}{{ return(adapter.dispatch('text_timestamp')(text)) }}{%- endmacro %}
{% macro default__text_timestamp(text) -%}cast(cast({{ text }} as timestamp with time zone) as timestamp){%- endmacro %}
{% macro snowflake__text_timestamp(text) -%}
    cast(convert_timezone('UTC', to_timestamp_tz({{ text }})) as timestamp_ntz)
{%- endmacro %}

{# A text as text, integer, decimal, boolean, date or timestamp; null when it is none. #}
{% macro text_as(text, type) -%}{{ return(adapter.dispatch('text_as')(text, type)) }}{%- endmacro %}
{% macro default__text_as(text, type) -%}
    {%- set types = {'text': 'varchar', 'integer': 'bigint', 'decimal': 'decimal(18, 4)'} -%}
    try_cast({{ text }} as {{ types.get(type, type) }})
{%- endmacro %}
{% macro snowflake__text_as(text, type) -%}
    {%- set functions = {
        'integer': 'try_to_number({}, 38, 0)', 'decimal': 'try_to_decimal({}, 18, 4)', 'boolean': 'try_to_boolean({})',
        'date': 'try_to_date({})', 'timestamp': 'try_to_timestamp_ntz({})',
    } -%}
    {{ functions.get(type, '{}').format(text) }}
{%- endmacro %}

{# One row for each element of the JSON array in `column`: the columns of `keys`, and `element`, a JSON text. #}
{% macro json_elements(relation, keys, column) -%}
    {{ return(adapter.dispatch('json_elements')(relation, keys, column)) }}
{%- endmacro %}
{% macro default__json_elements(relation, keys, column) -%}
    select
        {% for key in keys %}{{ relation }}.{{ key }},
        {% endfor -%}
        cast(elements.element as varchar) as element
    from {{ relation }}
    cross join unnest(from_json({{ relation }}.{{ column }}, '["json"]')) as elements (element)
{%- endmacro %}
{% macro snowflake__json_elements(relation, keys, column) -%}
    select
        {% for key in keys %}{{ relation }}.{{ key }},
        {% endfor -%}
        to_json(elements.value) as element
    from {{ relation }},
        lateral flatten(input => parse_json({{ relation }}.{{ column }})) as elements
{%- endmacro %}

{# One row for each part of `column`: the columns of `keys`, and `part`, trimmed. #}
{% macro split_to_rows(relation, keys, column, separator) -%}
    {{ return(adapter.dispatch('split_to_rows')(relation, keys, column, separator)) }}
{%- endmacro %}
{% macro default__split_to_rows(relation, keys, column, separator) -%}
    select
        {% for key in keys %}{{ relation }}.{{ key }},
        {% endfor -%}
        parts.part
    from {{ relation }}
    cross join unnest(string_split({{ relation }}.{{ column }}, '{{ separator }}')) as parts (part)
{%- endmacro %}
{% macro snowflake__split_to_rows(relation, keys, column, separator) -%}
    select
        {% for key in keys %}{{ relation }}.{{ key }},
        {% endfor -%}
        parts.value as part
    from {{ relation }},
        lateral split_to_table({{ relation }}.{{ column }}, '{{ separator }}') as parts
{%- endmacro %}

{# How alike two texts are, 0 to 1 (Jaro-Winkler); Snowflake leaves out what is less than a hundredth. #}
{% macro name_similarity(one, other) -%}{{ return(adapter.dispatch('name_similarity')(one, other)) }}{%- endmacro %}
{% macro default__name_similarity(one, other) -%}jaro_winkler_similarity({{ one }}, {{ other }}){%- endmacro %}
{% macro snowflake__name_similarity(one, other) -%}jarowinkler_similarity({{ one }}, {{ other }}) / 100.0{%- endmacro %}

{# A name for comparing: lower case, no accents, no punctuation, single spaces; null when nothing is left. #}
{% macro plain_name(name) -%}{{ return(adapter.dispatch('plain_name')(name)) }}{%- endmacro %}
{% macro default__plain_name(name) -%}
    nullif(trim(regexp_replace(strip_accents(lower({{ name }})), '[\s.,''’`_-]+', ' ', 'g')), '')
{%- endmacro %}
{% macro snowflake__plain_name(name) -%}
    nullif(trim(regexp_replace(translate(
        lower({{ name }}),
        '{{ accented_letters() }}',
        '{{ plain_letters() }}'
    ), '[\\s.,''’`_-]+', ' ')), '')
{%- endmacro %}

{# Makes a CTE that is read more than once be worked out only once, where the engine must be told. #}
{% macro materialized() -%}{{ return(adapter.dispatch('materialized')()) }}{%- endmacro %}
{% macro default__materialized() -%}materialized{%- endmacro %}
{% macro snowflake__materialized() -%}{%- endmacro %}

{# How an incremental model replaces the rows whose key it brings again. A merge touches only the micro-partitions they are in. #}
{% macro replacing_rows() -%}{{ return(adapter.dispatch('replacing_rows')()) }}{%- endmacro %}
{% macro default__replacing_rows() -%}{{ return('delete+insert') }}{%- endmacro %}
{% macro snowflake__replacing_rows() -%}{{ return('merge') }}{%- endmacro %}
