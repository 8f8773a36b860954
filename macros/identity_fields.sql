{# The fields of a person's record that are compared, in the order of a record, and how. Each kind is a macro of its own in
   identity_levels.sql; its highest level is that of equal values. #}
{% macro identity_comparisons() -%}
    {{ return({
        'given_name': 'given_name',
        'family_name': 'family_name',
        'birth_date': 'date',
        'street_number': 'code',
        'street': 'text',
        'locality': 'text',
        'city': 'text',
        'postcode': 'code',
        'region': 'area',
        'country': 'area',
        'phone': 'code',
        'email': 'email',
    }) }}
{%- endmacro %}

{# The level of a comparison that says the values are equal. #}
{% macro identity_equal_level(kind) -%}
    {{ return({'given_name': 5, 'family_name': 3, 'date': 3, 'code': 2, 'text': 3, 'area': 1, 'email': 3}[kind]) }}
{%- endmacro %}

{# What is a person's own: two people of one household agree on it no more often than strangers. #}
{% macro identity_personal_fields() -%}{{ return(['given_name', 'birth_date']) }}{%- endmacro %}

{# What a blocking rule may be made of, as an expression over `relation`: a field, the first letters of one (`<field>_start`),
   both names in the order of the alphabet (`names`, so that swapped ones meet), or what stands before the @ (`email_name`). #}
{% macro identity_block_part(part, relation) -%}
    {%- if part == 'names' -%}
        case when {{ relation }}.given_name is not null and {{ relation }}.family_name is not null then
            least({{ relation }}.given_name, {{ relation }}.family_name) || ' '
            || greatest({{ relation }}.given_name, {{ relation }}.family_name) end
    {%- elif part == 'email_name' -%}
        split_part({{ relation }}.email, '@', 1)
    {%- elif part.endswith('_start') and part[:-6] in identity_comparisons() -%}
        left({{ relation }}.{{ part[:-6] }}, 4)
    {%- elif part in identity_comparisons() -%}
        {{ relation }}.{{ part }}
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            "dbt_project.yml, identity_blocking_rules: unknown part `" ~ part ~ "`; see docs/identity.md") }}
    {%- endif -%}
{%- endmacro %}

{# All parts of a blocking rule as one text; null when one of them is not known. #}
{% macro identity_block_key(parts, relation) -%}
    {%- for part in parts -%}
        {{ identity_block_part(part, relation) }}{{ " || '/' || " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# The sum of one column of the weights joined as `<field>_weights`, over all fields. #}
{% macro identity_weights_sum(column) -%}
    {%- for field in identity_comparisons() -%}
        coalesce({{ field }}_weights.{{ column }}, 0){{ ' + ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# The levels of all comparisons, as a list of columns. #}
{% macro identity_level_columns(relation) -%}
    {%- for field in identity_comparisons() -%}
        {{ relation }}.{{ field }}_level{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
