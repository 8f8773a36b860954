{%- set fname = "nullif(trim(" ~ json_text('merge_fields', 'FNAME') ~ "), '')" -%}
{%- set lname = "nullif(trim(" ~ json_text('merge_fields', 'LNAME') ~ "), '')" -%}
with source as (
    select arrived.* from {{ source('mailchimp', 'members') }} as arrived
    where {{ not_erased('arrived', 'member', 'id', 'email_address') }}
    {{ latest_version(['connection_id', 'list_id', 'id'], 'last_changed') }}
),

members as (
    select
        connection_id,
        list_id,
        id as member_id,
        nullif(contact_id, '') as contact_id,
        {{ contact_point('email', 'source.email_address') }} as email,
        {{ contact_point('email', 'source.email_address', form='wide') }} as mailbox,
        nullif(trim(source.email_address), '') as email_as_kept,
        -- the full name stands in for both fields together: beside one of them it would repeat it
        case
            when {{ fname }} is null and {{ lname }} is null then nullif(trim(split_part(full_name, ' ', 1)), '')
            else {{ fname }}
        end as first_name,
        case
            when {{ fname }} is null and {{ lname }} is null
                then nullif(trim(substr(full_name, length(split_part(full_name, ' ', 1)) + 1)), '')
            else {{ lname }}
        end as last_name,
        lower(status) as member_status,
        lower(nullif(trim(unsubscribe_reason), '')) as unsubscribe_reason,
        lower(nullif(trim(source), '')) as signup_source,
        nullif(trim(ip_signup), '') as ip_signup,
        nullif(trim(ip_opt), '') as ip_opt,
        lower(nullif(trim(language), '')) as language,
        upper(nullif(trim(country_code), '')) as country_code,
        {{ contact_point_is_valid('email', 'source.email_address') }} as is_email_valid,
        coalesce(vip, false) as is_vip,
        {{ is_removed('mailchimp', 'members', 'source', parent='list_id') }} as is_deleted,
        {{ utc_timestamp('timestamp_signup') }} as signed_up_at,
        {{ utc_timestamp('timestamp_opt') }} as opted_in_at,
        {{ utc_timestamp('last_changed') }} as updated_at,
        {{ epoch_timestamp('_dlt_load_id') }} as loaded_at
    from source
)

select * from members
