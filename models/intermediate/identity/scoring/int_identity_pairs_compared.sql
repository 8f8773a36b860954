{{ config(materialized='table') }}

with pairs_blocked as (
    select * from {{ ref('int_identity_pairs_blocked') }}
),

{{ identity_compared('pairs_blocked', ['rules']) }}

select * from compared
