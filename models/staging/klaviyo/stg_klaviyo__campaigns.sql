with source as (
    select * from {{ source('klaviyo', 'campaigns') }}
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

campaigns as (
    select
        connection_id,
        id as campaign_id,
        name as campaign_name,
        lower(status) as campaign_status,
        included as included_audiences,
        excluded as excluded_audiences,
        coalesce(archived, false) as is_archived,
        {{ utc_timestamp('coalesce(send_time, scheduled_at)') }} as sent_at,
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('updated_at') }} as updated_at
    from source
)

select * from campaigns
