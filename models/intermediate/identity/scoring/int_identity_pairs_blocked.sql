{{ config(materialized='table') }}

-- Which pairs are looked at: those whose records agree on all parts of a blocking rule. A block of more records than the
-- cap is cut into pieces of neighbours, so that the number of pairs grows with the records and not with their square.
with cleaned as (
    select * from {{ ref('int_identity_records_cleaned') }}
),

blocks as (
    {%- for parts in var('identity_blocking_rules') %}
    select
        {{ loop.index0 }} as rule_number,
        {{ identity_block_key(parts, 'cleaned') }} as block_key,
        cleaned.record_number,
        cleaned.place
    from cleaned
    where {{ identity_block_key(parts, 'cleaned') }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

shared_blocks as (
    select
        rule_number,
        block_key
    from blocks
    group by rule_number, block_key
    having count(*) > 1
),

pieces as {{ materialized() }} (
    select
        blocks.rule_number,
        blocks.block_key,
        blocks.record_number,
        floor((row_number() over (
            partition by blocks.rule_number, blocks.block_key order by blocks.place
        ) - 1) / {{ var('identity_block_cap') }}) as piece
    from blocks
    inner join shared_blocks
        on blocks.rule_number = shared_blocks.rule_number and blocks.block_key = shared_blocks.block_key
),

-- a rule finds a pair at most once, so the sum of the rules' bits is their set
pairs_blocked as (
    select
        one.record_number,
        other.record_number as other_number,
        cast(sum(power(2, one.rule_number)) as bigint) as rules
    from pieces as one
    inner join pieces as other
        on
            one.rule_number = other.rule_number
            and one.block_key = other.block_key
            and one.piece = other.piece
            and one.record_number > other.record_number
    group by one.record_number, other.record_number
)

select * from pairs_blocked
