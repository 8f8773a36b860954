with members as (
    select * from {{ ref('stg_mailchimp__members') }}
),

people as (
    select
        connection_id,
        'mailchimp' as source,
        'member' as record_type,
        list_id || ':' || member_id as record_id,
        email,
        mailbox,
        is_email_valid,
        cast(null as varchar) as phone,
        first_name,
        last_name,
        cast(null as varchar) as company,
        cast(null as varchar) as city,
        cast(null as varchar) as zip,
        country_code,
        language,
        is_deleted,
        -- what we wrote comes back with the next landing: a name here may be our own word and is no evidence of who is who
        false as has_own_name,
        -- a member that was added says no date of its own; its last change may be ours
        coalesce(signed_up_at, opted_in_at) as created_at,
        updated_at
    from members
)

select * from people
