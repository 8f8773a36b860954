{{ config(materialized='table') }}

-- Values that only make sense together (a name, a postal address) are taken from one record together.
with people as (
    select
        identities.customer_id,
        people.*
    from {{ ref('int_people_united') }} as people
    inner join {{ ref('int_identities_resolved') }} as identities on people.record_key = identities.record_key
),

trust as (
    select * from {{ ref('source_trust') }}
),

candidates as (
    {%- for field, parts in {
        'email': ['email', 'mailbox'],
        'name': ['first_name', 'last_name'],
        'phone': ['phone'],
        'company': ['company'],
        'address': ['city', 'zip', 'country_code'],
        'language': ['language'],
    }.items() %}
    select
        customer_id,
        '{{ field }}' as field,
        {%- for position in range(3) %}
        {{ parts[position] if position < parts | length else 'cast(null as varchar)' }} as value_{{ position + 1 }},
        {%- endfor %}
        {% for part in parts %}case when {{ part }} is null then 0 else 1 end{{ ' + ' if not loop.last }}{% endfor %} as count_parts,
        {{ 'is_email_valid' if field == 'email' else 'true' }} as is_valid,
        source,
        record_key,
        is_deleted,
        updated_at
    from people
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- what can be reached, of a record that still exists, as complete as can be; then the source most trusted with such a
-- value, then the freshest record, then the lowest key
chosen as (
    select
        candidates.customer_id,
        candidates.field,
        candidates.value_1,
        candidates.value_2,
        candidates.value_3,
        candidates.record_key as value_source
    from candidates
    left join trust on candidates.source = trust.source and candidates.field = trust.field
    where candidates.count_parts > 0
    qualify row_number() over (
        partition by candidates.customer_id, candidates.field
        order by
            candidates.is_valid desc,
            candidates.is_deleted asc,
            case when candidates.field = 'name' then candidates.count_parts end desc nulls last,
            case when candidates.field = 'address' and candidates.value_3 is not null then 1 else 0 end desc,
            coalesce(trust.trust_rank, 1000) asc,
            candidates.updated_at desc nulls last,
            candidates.record_key asc
    ) = 1
)

select * from chosen
