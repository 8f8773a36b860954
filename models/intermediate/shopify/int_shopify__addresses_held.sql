with customers as (
    select * from {{ ref('stg_shopify__customers') }}
    where mailbox is not null
),

addresses_held as (
    select
        connection_id,
        'shopify' as source,
        '' as container,
        '' as container_name,
        shop_customer_id as record_id,
        email_as_kept as address,
        mailbox,
        coalesce(email_marketing_state, '') = 'SUBSCRIBED' and not is_deleted and is_email_valid as is_mailable,
        case when email_marketing_state = 'SUBSCRIBED' then email_marketing_consent_updated_at end as agreed_at,
        updated_at
    from customers
)

select * from addresses_held
