{# The day up to which orders and engagement count, from the one row of int_clock_decided. #}
{% macro as_of_date() -%}
    (select clock.as_of from {{ ref('int_clock_decided') }} as clock)
{%- endmacro %}

{# The moment at which consent is decided. Never bounds orders: that is `as_of_date`. #}
{% macro clock_now() -%}
    {%- if var('clock_now') -%}cast('{{ var("clock_now") }}' as timestamp)
    {%- else -%}{{ engine_now() }}
    {%- endif -%}
{%- endmacro %}
