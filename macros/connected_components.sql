{# CTEs that give every node the smallest number it can reach: `labels` (record_number, label).
   `edges` must hold both directions (record_number, other_number). Min-label propagation with hooking (what a node hears it
   tells its label too) and pointer jumping: the reach about doubles with every pass, in whatever order a chain is numbered.
   Jumping alone needs hundreds of passes for some orders. #}
{% macro connected_components(nodes, edges, passes) -%}
labels_0 as {{ materialized() }} (
    select
        record_number,
        record_number as label
    from {{ nodes }}
),

{% for number in range(1, passes + 1) -%}
heard_{{ number }} as {{ materialized() }} (
    select
        before.record_number,
        before.label,
        least(before.label, coalesce(min(neighbours.label), before.label)) as heard
    from labels_{{ number - 1 }} as before
    left join {{ edges }} as reached on before.record_number = reached.record_number
    left join labels_{{ number - 1 }} as neighbours on reached.other_number = neighbours.record_number
    group by before.record_number, before.label
),

lowered_{{ number }} as {{ materialized() }} (
    select
        told.record_number,
        min(told.label) as label
    from (
        select
            record_number,
            heard as label
        from heard_{{ number }}
        union all
        select
            label as record_number,
            heard as label
        from heard_{{ number }}
    ) as told
    group by told.record_number
),

labels_{{ number }} as {{ materialized() }} (
    select
        lowered.record_number,
        jumped.label
    from lowered_{{ number }} as lowered
    inner join lowered_{{ number }} as jumped on lowered.label = jumped.record_number
),

{% endfor -%}
labels as (
    select * from labels_{{ passes }}
)
{%- endmacro %}

{# CTEs `reached` and `linked`, as connected_components wants them: the pairs of a CTE in both directions, and who is in one. #}
{% macro reached_both_ways(pairs, one='record_number', other='other_number') -%}
reached as {{ materialized() }} (
    select
        {{ one }} as record_number,
        {{ other }} as other_number
    from {{ pairs }}
    union distinct
    select
        {{ other }} as record_number,
        {{ one }} as other_number
    from {{ pairs }}
),

linked as (
    select distinct record_number
    from reached
)
{%- endmacro %}

{# CTEs up to `clustered` (record_number, record_key, cluster_number): each record of the CTE `people` with the smallest number
   that the CTE `edges` leads it to, its own where none does. #}
{% macro records_clustered() -%}
{{ reached_both_ways('edges') }},

{{ connected_components('linked', 'reached', var('identity_passes')) }},

clustered as (
    select
        people.record_number,
        people.record_key,
        coalesce(labels.label, people.record_number) as cluster_number
    from people
    left join labels on people.record_number = labels.record_number
)
{%- endmacro %}
