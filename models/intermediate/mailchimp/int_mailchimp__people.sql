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
        -- Mailchimp says only when a member opted in; one added otherwise is as old as its last change at most
        coalesce(signed_up_at, opted_in_at, updated_at) as created_at,
        updated_at
    from members
)

select * from people
