{{ config(materialized='table') }}

with events as (
    select * from {{ ref('stg_segment__events') }}
),

-- An account is somebody, also before any trait is known. A browser is only when an address was given in it without an account.
named as (
    select
        *,
        case when user_id is not null then 'user' else 'visitor' end as record_type,
        coalesce(user_id, anonymous_id) as record_id
    from events
    where user_id is not null or (event_type = 'identify' and email is not null)
),

placed as (
    select
        *,
        row_number() over (
            partition by connection_id, record_type, record_id
            order by occurred_at asc, segment_event_id asc
        ) as place
    from named
),

-- the traits of an identify are added to those of the ones before: of each the last that was told holds
users as (
    select
        connection_id,
        record_type,
        record_id,
        {% for name in ['email', 'mailbox', 'is_email_valid'] -%}
        max_by({{ name }}, case when event_type = 'identify' and email is not null then place end) as {{ name }},
        {% endfor -%}
        {% for name in ['first_name', 'last_name'] -%}
        max_by(
            {{ name }},
            case when event_type = 'identify' and (first_name is not null or last_name is not null) then place end
        ) as {{ name }},
        {% endfor -%}
        {% for name in ['city', 'zip', 'country'] -%}
        max_by(
            {{ name }},
            case
                when event_type = 'identify' and (city is not null or zip is not null or country is not null) then place
            end
        ) as {{ name }},
        {% endfor -%}
        max_by(phone, case when event_type = 'identify' and phone is not null and is_phone_valid then place end) as phone,
        max_by(company, case when event_type = 'identify' and company is not null then place end) as company,
        max_by(language, case when language is not null then place end) as language,
        min(occurred_at) as created_at,
        max(case when event_type = 'identify' then occurred_at end) as identified_at
    from placed
    group by connection_id, record_type, record_id
)

select * from users
