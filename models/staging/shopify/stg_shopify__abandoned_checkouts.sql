with source as (
    select arrived.* from {{ source('shopify', 'abandoned_checkouts') }} as arrived
    where {{ not_erased('arrived', 'customer', 'customer_id') }}
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

abandoned_checkouts as (
    select
        connection_id,
        id as checkout_id,
        customer_id as shop_customer_id,
        recovery_url,
        upper(currency) as currency,
        lines,
        cast(total_amount as decimal(18, 4)) as total_amount,
        completed_at is not null as is_recovered,
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('updated_at') }} as updated_at,
        {{ utc_timestamp('completed_at') }} as recovered_at
    from source
)

select * from abandoned_checkouts
