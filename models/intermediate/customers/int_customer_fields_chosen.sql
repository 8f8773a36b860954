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

survivorship as (
    select * from {{ ref('survivorship') }}
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

ranked as (
    select
        candidates.*,
        dense_rank() over (
            partition by candidates.customer_id, candidates.field
            order by
                -- of a name both parts, of an address the country: all else can be guessed at from them
                case candidates.field
                    when 'name' then candidates.count_parts
                    when 'address' then case when candidates.value_3 is not null then 1 else 0 end
                    else 1
                end desc
        ) as completeness_rank,
        coalesce(trust.trust_rank, 1000) as trust_rank,
        dense_rank() over (
            partition by candidates.customer_id, candidates.field
            order by candidates.updated_at desc nulls last
        ) as recency_rank
    from candidates
    left join trust on candidates.source = trust.source and candidates.field = trust.field
    where candidates.count_parts > 0
),

-- what can be reached, of a record that still exists; then by whatever counts for such a value, in the order that the seed
-- gives; then the lowest key
chosen as (
    select
        ranked.customer_id,
        ranked.field,
        ranked.value_1,
        ranked.value_2,
        ranked.value_3,
        ranked.record_key as value_source
    from ranked
    left join survivorship on ranked.field = survivorship.field
    qualify row_number() over (
        partition by ranked.customer_id, ranked.field
        order by
            ranked.is_valid desc,
            ranked.is_deleted asc,
            {%- for place, otherwise in {'first_by': 'trust', 'second_by': 'recency', 'third_by': 'completeness'}.items() %}
            case coalesce(survivorship.{{ place }}, '{{ otherwise }}')
                when 'completeness' then ranked.completeness_rank
                when 'trust' then ranked.trust_rank
                when 'recency' then ranked.recency_rank
            end asc,
            {%- endfor %}
            ranked.record_key asc
    ) = 1
)

select * from chosen
