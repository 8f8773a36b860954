{%- set chosen = var('reporting_currency') -%}
{{ config(materialized='table') }}

with currencies as (
    select
        currency,
        count(*) as count_orders
    from {{ ref('int_orders_united') }}
    group by currency
),

-- the data's only currency; where there are several and nobody has decided, the most used one, and a test says so
ranked as (
    select
        currency,
        count(*) over () as count_currencies,
        row_number() over (order by count_orders desc, currency asc) as usage_rank
    from currencies
),

decided as (
    select
        coalesce({{ "'" ~ chosen | upper ~ "'" if chosen else 'cast(null as varchar)' }}, max(case when usage_rank = 1 then currency end))
            as reporting_currency,
        {{ 'true' if chosen else 'coalesce(max(count_currencies), 0) <= 1' }} as is_decided
    from ranked
)

select * from decided
