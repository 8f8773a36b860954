{%- set mapped = var('segment_consent_traits') -%}
with identifies as (
    select
        *,
        case when user_id is not null then 'user' else 'visitor' end as record_type,
        coalesce(user_id, anonymous_id) as record_id
    from {{ ref('stg_segment__events') }}
    where event_type = 'identify'
),

users as (
    select * from {{ ref('int_segment__users') }}
),

-- only what the configuration names is listened to; a trait that says neither yes nor no says nothing
told as (
    {%- for trait, purpose in mapped.items() %}
    select
        connection_id,
        record_type,
        record_id,
        segment_event_id,
        '{{ trait }}' as trait,
        '{{ purpose }}' as purpose,
        case
            when lower({{ json_text('traits', trait) }}) in ('true', 'yes', '1', 'subscribed') then 'grant'
            when lower({{ json_text('traits', trait) }}) in ('false', 'no', '0', 'unsubscribed') then 'withdraw'
        end as act,
        occurred_at,
        received_at
    from identifies
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- else %}
    select
        connection_id,
        record_type,
        record_id,
        segment_event_id,
        cast(null as varchar) as trait,
        cast(null as varchar) as purpose,
        cast(null as varchar) as act,
        occurred_at,
        received_at
    from identifies
    where 1 = 0
    {%- endfor %}
),

-- websites tell the same traits with every visit: only a change is an act, or each visit would be a fresh yes
changes as (
    select
        *,
        lag(act) over (
            partition by connection_id, record_type, record_id, trait
            order by occurred_at asc, segment_event_id asc
        ) as former_act
    from told
    where act is not null
),

consent_acts as (
    select
        changes.connection_id,
        'segment' as source,
        changes.record_type,
        changes.record_id,
        users.email as address,
        users.mailbox,
        changes.purpose,
        changes.act,
        'website' as reason,
        'trait ' || changes.trait as evidence,
        true as is_origin_dated,
        changes.occurred_at,
        coalesce(changes.received_at, changes.occurred_at) as received_at
    from changes
    left join users
        on
            changes.connection_id = users.connection_id
            and changes.record_type = users.record_type
            and changes.record_id = users.record_id
    where changes.former_act is null or changes.act <> changes.former_act
)

select * from consent_acts
