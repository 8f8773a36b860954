with source as (
    select arrived.* from {{ source('salesforce', 'campaigns') }} as arrived
    {{ latest_version(['connection_id', 'id'], 'system_modstamp') }}
),

campaigns as (
    select
        connection_id,
        id as campaign_id,
        parent_id as parent_campaign_id,
        name as campaign_name,
        type as campaign_type,
        status as campaign_status,
        cast(start_date as date) as starts_on,
        cast(end_date as date) as ends_on,
        coalesce(is_active, false) as is_active,
        {{ custom_properties('salesforce_campaigns') }}
        coalesce(is_deleted, false) or {{ is_removed('salesforce', 'campaigns', 'source') }} as is_deleted,
        {{ utc_timestamp('created_date') }} as created_at,
        {{ utc_timestamp('system_modstamp') }} as updated_at
    from source
)

select * from campaigns
