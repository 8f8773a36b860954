{{ config(materialized='table') }}

with latest_order as (
    select max(order_date) as order_date
    from {{ ref('int_orders_united') }}
    where is_counted
),

clock as (
    select
        {% if var('as_of') -%}
        cast('{{ var("as_of") }}' as date) as as_of,
        {%- else -%}
        coalesce(latest_order.order_date, cast({{ clock_now() }} as date)) as as_of,
        {%- endif %}
        {{ clock_now() }} as clock_now
    from latest_order
)

select * from clock
