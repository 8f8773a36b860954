with source as (
    select arrived.* from {{ source('mailchimp', 'member_interests') }} as arrived
    where {{ not_erased('arrived', 'member', 'id') }}
    {{ latest_version(['connection_id', 'list_id', 'id', 'interest_id'], 'last_changed') }}
),

member_interests as (
    select
        connection_id,
        list_id,
        id as member_id,
        interest_id,
        {{ utc_timestamp('last_changed') }} as updated_at
    from source
    where is_chosen
)

select * from member_interests
