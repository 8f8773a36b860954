with source as (
    select arrived.* from {{ source('klaviyo', 'removed') }} as arrived
    where {{ not_erased('arrived', 'profile', 'id') }}
    {{ latest_version(['connection_id', 'resource', 'parent_id', 'id'], 'noticed_at') }}
),

removed_profiles as (
    select
        connection_id,
        id as profile_id,
        {{ utc_timestamp('noticed_at') }} as noticed_at
    from source
    where resource = 'profiles'
)

select * from removed_profiles
