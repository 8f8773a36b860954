with source as (
    select * from {{ source('shopify', 'refunds') }}
    {{ latest_version(['connection_id', 'id']) }}
),

refunds as (
    select
        connection_id,
        cast(id as varchar) as shop_refund_id,
        cast(order_id as varchar) as shop_order_id,
        upper(currency) as currency,
        cast(amount as decimal(18, 4)) as refunded_amount,
        {{ utc_timestamp('created_at') }} as refunded_at
    from source
)

select * from refunds
