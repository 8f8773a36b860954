{# CTEs up to `candidates`: the events of `united` whose owner is to be found, with `columns`, whether they are new here
   (is_touched) and whose they were (former_customer_id). An incremental run asks of those known already as well, because
   people merge, part and are named later: their events of long ago move with them. #}
{% macro events_to_own(united, columns) -%}
{% if is_incremental() -%}
-- what came with the last load known here may have come only in part, so that load is read again
landed as (
    select
        connection_id,
        max(load_number) as load_number
    from {{ this }}
    group by connection_id
),

touched as (
    select {{ united }}.*
    from {{ united }}
    left join landed on {{ united }}.connection_id = landed.connection_id
    where {{ united }}.load_number >= coalesce(landed.load_number, 0)
),
{%- else -%}
touched as (
    select * from {{ united }}
),
{%- endif %}

candidates as (
    select
        {{ columns | join(', ') }},
        cast(null as varchar) as former_customer_id,
        true as is_touched
    from touched
    {%- if is_incremental() %}
    union all
    select
        events.{{ columns | join(', events.') }},
        events.customer_id as former_customer_id,
        false as is_touched
    from {{ this }} as events
    left join touched on events.event_id = touched.event_id
    where touched.event_id is null
    {%- endif %}
)
{%- endmacro %}
