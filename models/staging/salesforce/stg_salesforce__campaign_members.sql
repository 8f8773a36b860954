with source as (
    select arrived.* from {{ source('salesforce', 'campaign_members') }} as arrived
    where
        {{ not_erased('arrived', 'contact', 'contact_id') }}
        and {{ not_erased('arrived', 'lead', 'lead_id') }}
    {{ latest_version(['connection_id', 'id'], 'system_modstamp') }}
),

campaign_members as (
    select
        connection_id,
        id as campaign_member_id,
        campaign_id,
        contact_id,
        lead_id,
        status as member_status,
        cast(first_responded_date as date) as responded_on,
        coalesce(has_responded, false) as has_responded,
        {{ custom_properties('salesforce_campaign_members') }}
        coalesce(is_deleted, false) or {{ is_removed('salesforce', 'campaign_members', 'source') }} as is_deleted,
        {{ utc_timestamp('created_date') }} as created_at,
        {{ utc_timestamp('system_modstamp') }} as updated_at
    from source
)

select * from campaign_members
