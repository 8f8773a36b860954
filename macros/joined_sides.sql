{# CTEs up to `sides` (record_number, side_number): the sides of `start` joined along `links` (record_number, other_number,
   weakness), strongest evidence first, save those that `apart` (record_number, other_number) keeps apart. In each pass two
   sides become one when each is the strongest that the other may join, so that no pass can bring together, by way of a
   third, what is to be apart. After the last pass, whoever might still be joined stays apart, which is the safer state. #}
{% macro joined_sides(start, links, apart, passes) -%}
{% for number in range(1, passes + 1) -%}
{%- set before = start if number == 1 else 'sides_' ~ (number - 1) -%}
foes_{{ number }} as (
    select distinct
        one.side_number,
        other.side_number as other_side
    from {{ apart }} as foes
    inner join {{ before }} as one on foes.record_number = one.record_number
    inner join {{ before }} as other on foes.other_number = other.record_number
),

choices_{{ number }} as {{ materialized() }} (
    select
        one.side_number,
        other.side_number as other_side
    from {{ links }} as links
    inner join {{ before }} as one on links.record_number = one.record_number
    inner join {{ before }} as other on links.other_number = other.record_number
    left join foes_{{ number }} as foes on one.side_number = foes.side_number and other.side_number = foes.other_side
    where one.side_number <> other.side_number and foes.side_number is null
    qualify row_number() over (
        partition by one.side_number
        order by
            links.weakness asc,
            least(one.side_number, other.side_number) asc,
            greatest(one.side_number, other.side_number) asc
    ) = 1
),

sides_{{ number }} as {{ materialized() }} (
    select
        sides.record_number,
        case when answers.side_number < sides.side_number then answers.side_number else sides.side_number end as side_number
    from {{ before }} as sides
    left join choices_{{ number }} as choices on sides.side_number = choices.side_number
    left join choices_{{ number }} as answers
        on choices.other_side = answers.side_number and answers.other_side = choices.side_number
),

{% endfor -%}
sides as (
    select * from sides_{{ passes }}
)
{%- endmacro %}
