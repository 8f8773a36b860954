with source as (
    select
        arrived.*,
        {{ erased_as('arrived', 'customer', 'customer_id', 'email') }} as erased_as
    from {{ source('shopify', 'orders') }} as arrived
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

orders as (
    select
        connection_id,
        cast(id as varchar) as shop_order_id,
        -- an order counts for the books, whoever it is of
        coalesce(erased_as, cast(customer_id as varchar)) as shop_customer_id,
        case when erased_as is null then name end as order_name,
        case when erased_as is null then {{ contact_point('email', 'source.email') }} end as email,
        case when erased_as is null then {{ contact_point('email', 'source.email', form='wide') }} end as mailbox,
        upper(currency) as currency,
        lower(financial_status) as financial_status,
        upper(nullif(trim(country_code), '')) as country_code,
        source_name as sales_channel,
        cast(total_amount as decimal(18, 4)) as charged_amount,
        cast(total_refunded_amount as decimal(18, 4)) as refunded_amount,
        {{ contact_point_is_valid('email', 'source.email') }} as is_email_valid,
        coalesce(test, false) as is_test,
        cancelled_at is not null as is_cancelled,
        {{ is_removed('shopify', 'orders', 'source') }} as is_deleted,
        -- imported orders were placed long before they were entered
        {{ utc_timestamp('coalesce(processed_at, created_at)') }} as ordered_at,
        {{ utc_timestamp('cancelled_at') }} as cancelled_at,
        {{ utc_timestamp('updated_at') }} as updated_at
    from source
)

select * from orders
