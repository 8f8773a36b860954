{{ config(enabled=own_tables() | length > 0) }}
-- Every address and number in a table of one's own has its normal form. Said here and not beside the columns: a test there
-- would be warned of where its way of landing is off.
{% set points = [
    ('contacts', 'email'), ('contacts', 'phone'), ('orders', 'email'), ('consent_acts', 'email'), ('enrichment', 'email'),
] -%}
{% for name in own_tables() -%}
{%- set way = loop -%}
{%- for table, kind in points %}
select * from (
    {{ test_is_normalised(source(name, table), kind, kind) }}
) as {{ name }}_{{ table }}_{{ kind }}
{%- if not (loop.last and way.last) %}
union all
{%- endif %}
{%- endfor %}
{%- endfor %}
