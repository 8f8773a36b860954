{{ config(materialized='table') }}

with pairs_blocked as (
    select * from {{ ref('int_identity_pairs_blocked') }}
),

{{ identity_compared('pairs_blocked', ['rules']) }},

counted as (
    select
        *,
        0
        {%- for field in identity_comparisons() %}
        + case when {{ field }}_level is null then 0 else 1 end
        {%- endfor %} as count_known
    from compared
)

select * from counted
