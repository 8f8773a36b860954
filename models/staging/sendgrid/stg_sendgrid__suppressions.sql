with account_lists as (
    select arrived.* from {{ source('sendgrid', 'suppressions') }} as arrived
    where {{ not_erased('arrived', 'suppression', 'id', 'email') }}
    {{ latest_version(['connection_id', 'suppression_list', 'email'], 'created_at') }}
),

group_lists as (
    select arrived.* from {{ source('sendgrid', 'group_suppressions') }} as arrived
    where {{ not_erased('arrived', 'suppression', 'id', 'email') }}
    {{ latest_version(['connection_id', 'group_id', 'email'], 'created_at') }}
),

-- '' is the whole account
united as (
    select
        connection_id,
        id,
        '' as group_id,
        cast(null as varchar) as group_name,
        suppression_list,
        email,
        status,
        created_at,
        _dlt_load_id
    from account_lists
    union all
    select
        connection_id,
        id,
        group_id,
        group_name,
        'group' as suppression_list,
        email,
        cast(null as varchar) as status,
        created_at,
        _dlt_load_id
    from group_lists
),

suppressions as (
    select
        connection_id,
        id as suppression_id,
        group_id,
        nullif(trim(group_name), '') as group_name,
        suppression_list,
        {{ contact_point('email', 'united.email') }} as email,
        {{ contact_point('email', 'united.email', form='wide') }} as mailbox,
        nullif(trim(united.email), '') as email_as_kept,
        nullif(trim(status), '') as smtp_status,
        cast(_dlt_load_id as double) as load_number,
        {{ utc_timestamp('created_at') }} as suppressed_at
    from united
)

select * from suppressions
