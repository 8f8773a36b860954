with source as (
    select arrived.* from {{ source('klaviyo', 'profiles') }} as arrived
    where {{ not_erased('arrived', 'profile', 'id', 'email') }}
    {{ latest_version(['connection_id', 'id'], 'updated') }}
),

everywhere as (
    {{ json_elements('source', ['connection_id', 'id'], 'suppressions') }}
),

on_lists as (
    {{ json_elements('source', ['connection_id', 'id'], 'list_suppressions') }}
),

-- '' is the whole account
united as (
    select
        *,
        '' as list_id
    from everywhere
    union all
    select
        *,
        {{ json_text('element', 'list_id') }} as list_id
    from on_lists
),

suppressions as (
    select
        connection_id,
        id as profile_id,
        list_id,
        lower({{ json_text('element', 'reason') }}) as suppression_reason,
        max({{ text_timestamp(json_text('element', 'timestamp')) }}) as suppressed_at
    from united
    group by connection_id, id, list_id, lower({{ json_text('element', 'reason') }})
)

select * from suppressions
