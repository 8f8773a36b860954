with source as (
    select * from {{ source('mailchimp', 'lists') }}
    {{ latest_version(['connection_id', 'id']) }}
),

lists as (
    select
        connection_id,
        cast(id as varchar) as list_id,
        name as list_name,
        cast(member_count as bigint) as count_members,
        coalesce(double_optin, false) as has_double_opt_in,
        {{ utc_timestamp('date_created') }} as created_at
    from source
)

select * from lists
