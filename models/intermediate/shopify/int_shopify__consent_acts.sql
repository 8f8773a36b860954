with customers as (
    select * from {{ ref('stg_shopify__customers') }}
),

acts as (
    select
        *,
        case email_marketing_state
            when 'SUBSCRIBED' then 'grant'
            when 'UNSUBSCRIBED' then 'withdraw'
            when 'REDACTED' then 'block'
            when 'INVALID' then 'block'
        end as act,
        case email_marketing_state
            when 'SUBSCRIBED' then 'shop'
            when 'UNSUBSCRIBED' then 'shop_unsubscribe'
            when 'REDACTED' then 'erased'
            when 'INVALID' then 'hard_bounce'
        end as reason
    from customers
),

consent_acts as (
    select
        connection_id,
        'shopify' as source,
        'customer' as record_type,
        shop_customer_id as record_id,
        email as address,
        mailbox,
        case when act = 'grant' then 'marketing_email' else '*' end as purpose,
        act,
        reason,
        lower(email_marketing_opt_in_level) as evidence,
        email_marketing_consent_updated_at is not null as is_origin_dated,
        -- an undated refusal was at the latest when the customer last changed; an undated grant stays undated
        case
            when act = 'grant' then email_marketing_consent_updated_at
            else coalesce(email_marketing_consent_updated_at, updated_at)
        end as occurred_at,
        updated_at as received_at
    from acts
    where act is not null and not (act = 'grant' and is_deleted)
)

select * from consent_acts
