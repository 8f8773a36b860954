with source as (
    select arrived.* from {{ source('segment', 'events') }} as arrived
    where
        {{ not_erased('arrived', 'user', 'user_id', 'email') }}
        and {{ not_erased('arrived', 'visitor', 'unnamed_id') }}
    {{ latest_version(['connection_id', 'message_id'], 'timestamp') }}
),

events as (
    select
        connection_id,
        message_id as segment_event_id,
        type as event_type,
        user_id,
        anonymous_id,
        unnamed_id,
        previous_id,
        group_id,
        -- a page or screen is called by its name, a deed by what was done
        nullif(trim(coalesce(event, name)), '') as event_name,
        nullif(trim(category), '') as category,
        {{ contact_point('email', 'source.email') }} as email,
        {{ contact_point('email', 'source.email', form='wide') }} as mailbox,
        nullif(trim(source.email), '') as email_as_kept,
        {{ contact_point('phone', 'source.phone') }} as phone,
        nullif(trim(first_name), '') as first_name,
        nullif(trim(last_name), '') as last_name,
        nullif(trim(company), '') as company,
        nullif(trim(city), '') as city,
        nullif(trim(zip), '') as zip,
        nullif(trim(country), '') as country,
        lower(nullif(trim(locale), '')) as language,
        page_url,
        page_path,
        page_title,
        page_referrer,
        campaign_source,
        campaign_medium,
        campaign_name,
        traits,
        properties,
        products,
        cast(_dlt_load_id as double) as load_number,
        {{ contact_point_is_valid('email', 'source.email') }} as is_email_valid,
        {{ contact_point_is_valid('phone', 'source.phone') }} as is_phone_valid,
        -- a device whose clock runs ahead: nothing happened after it was received
        {{ utc_timestamp("case when received_at is not null and timestamp > received_at then received_at else timestamp end") }}
            as occurred_at,
        {{ utc_timestamp('received_at') }} as received_at
    from source
)

select * from events
