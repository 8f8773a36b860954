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
