with records as (
    select * from {{ ref('customer_records') }}
),

buyers as (
    select distinct customer_id from {{ ref('orders') }}
),

-- Whom no system knows any more is gone; whoever has ordered stays, for the orders do.
counted as (
    select
        records.customer_id,
        count(*) as count_records,
        count(distinct records.source) as count_sources,
        min(records.created_at) as first_seen_at,
        min(case when records.is_deleted and buyers.customer_id is null then 1 else 0 end) = 1 as is_gone
    from records
    left join buyers on records.customer_id = buyers.customer_id
    group by records.customer_id
)

select * from counted
