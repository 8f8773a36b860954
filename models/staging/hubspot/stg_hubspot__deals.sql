with source as (
    select arrived.* from {{ source('hubspot', 'deals') }} as arrived
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

deals as (
    select
        connection_id,
        cast(id as varchar) as deal_id,
        nullif(trim(pipeline), '') as pipeline,
        nullif(trim(dealstage), '') as stage,
        upper(nullif(trim(deal_currency_code), '')) as currency,
        cast(amount as decimal(18, 2)) as amount,
        coalesce(hs_is_closed_won, false) as is_won,
        coalesce(archived, false) as is_deleted,
        {{ utc_timestamp('closedate') }} as closes_at,
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('updated_at') }} as updated_at
    from source
)

select * from deals
