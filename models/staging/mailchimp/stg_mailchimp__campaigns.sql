with source as (
    select * from {{ source('mailchimp', 'campaigns') }}
    {{ latest_version(['connection_id', 'id']) }}
),

campaigns as (
    select
        connection_id,
        id as campaign_id,
        list_id,
        title as campaign_title,
        subject_line,
        lower(status) as campaign_status,
        cast(_dlt_load_id as double) as load_number,
        {{ utc_timestamp('coalesce(send_time, create_time)') }} as sent_at
    from source
)

select * from campaigns
