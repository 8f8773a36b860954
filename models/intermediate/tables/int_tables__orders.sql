{{ config(enabled=own_tables() | length > 0) }}

with orders as (
    select * from {{ ref('stg_tables__orders') }}
),

line_counts as (
    select
        connection_id,
        own_order_id,
        count(*) as count_lines
    from {{ ref('stg_tables__order_lines') }}
    group by connection_id, own_order_id
),

renamed as (
    select
        orders.connection_id,
        orders.source,
        orders.own_order_id as source_order_id,
        orders.order_name,
        case when orders.own_contact_id is null then 'own_order' else 'own_contact' end as record_type,
        coalesce(orders.own_contact_id, orders.own_order_id) as record_id,
        orders.currency,
        orders.country_code,
        orders.sales_channel,
        orders.financial_status,
        coalesce(line_counts.count_lines, 0) as count_lines,
        orders.gross_amount,
        orders.discount_amount,
        orders.refunded_amount,
        orders.is_cancelled,
        orders.is_test,
        orders.is_deleted,
        orders.ordered_at,
        orders.updated_at
    from orders
    left join line_counts
        on orders.connection_id = line_counts.connection_id and orders.own_order_id = line_counts.own_order_id
)

select * from renamed
