{# Before a segment or a profile model is built: it names the purposes that it needs, and they are in
   seeds/consent_purposes.csv. One that does not fails by its name, and everything else is built. #}
{% macro require_known_purposes() -%}
    {%- set seed = ref('consent_purposes').render() -%} {#- the whole of it, also in a run with --empty -#}
    {%- if execute -%}
        {%- set asked = [] -%}
        {%- for entry in (model.config.meta or {}).get('reverse_sync') or [] -%}
            {%- if entry is not mapping or not entry.get('purpose') -%}
                {{ exceptions.raise_compiler_error(
                    model.name ~ ': reverse_sync[' ~ loop.index0 ~ '] has no purpose; say what people must have agreed to'
                ) }}
            {%- endif -%}
            {%- do asked.append(entry['purpose']) -%}
        {%- endfor -%}
        {%- for column in model.columns.values() -%}
            {%- set purpose = ((column.get('config') or {}).get('meta') or {}).get('purpose') -%}
            {%- if purpose -%}{%- do asked.append(purpose) -%}{%- endif -%}
        {%- endfor -%}
        {%- set known = run_query('select purpose from ' ~ seed).columns[0].values() if asked else [] -%}
        {%- for purpose in asked if purpose not in known -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ ': ' ~ purpose ~ ' is no purpose of seeds/consent_purposes.csv; add it there or correct the name'
            ) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
