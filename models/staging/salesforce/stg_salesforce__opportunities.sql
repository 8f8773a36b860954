with source as (
    select arrived.* from {{ source('salesforce', 'opportunities') }} as arrived
    {{ latest_version(['connection_id', 'id'], 'system_modstamp') }}
),

opportunities as (
    select
        connection_id,
        id as opportunity_id,
        account_id,
        campaign_id,
        name as opportunity_name,
        type as opportunity_type,
        stage_name,
        cast(probability as decimal(18, 4)) as probability,
        cast(amount as decimal(18, 4)) as amount,
        upper(currency) as currency,
        lead_source,
        cast(close_date as date) as closes_on,
        coalesce(is_closed, false) as is_closed,
        coalesce(is_won, false) as is_won,
        {{ custom_properties('salesforce_opportunities') }}
        coalesce(is_deleted, false) or {{ is_removed('salesforce', 'opportunities', 'source') }} as is_deleted,
        {{ utc_timestamp('created_date') }} as created_at,
        {{ utc_timestamp('system_modstamp') }} as updated_at
    from source
)

select * from opportunities
