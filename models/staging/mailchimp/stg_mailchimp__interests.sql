with source as (
    select * from {{ source('mailchimp', 'interests') }}
    {{ latest_version(['connection_id', 'list_id', 'id']) }}
),

categories as (
    select * from {{ source('mailchimp', 'interest_categories') }}
    {{ latest_version(['connection_id', 'list_id', 'id']) }}
),

interests as (
    select
        source.connection_id,
        source.list_id,
        source.id as interest_id,
        source.category_id,
        source.name as interest_name,
        categories.title as category_title
    from source
    left join categories
        on
            source.connection_id = categories.connection_id
            and source.list_id = categories.list_id
            and source.category_id = categories.id
)

select * from interests
