-- What was known of a customer, from when to when. It reads itself before it is written anew, and a full refresh reads it
-- too: what a field once said no source can tell again.
{%- set fields = [
    'email', 'mailbox', 'first_name', 'last_name', 'phone', 'company', 'city', 'zip', 'country_code', 'language',
] %}
with customers as (
    select * from {{ ref('customers') }}
),

clock as (
    select clock_now from {{ ref('int_clock_decided') }}
),

described as (
    select
        customer_id,
        {%- for field in fields %}
        {{ field }},
        {%- endfor %}
        {{ dbt.hash(versioned_fields(fields)) }} as fields_hash
    from customers
),

remembered as (
    {%- if remembers() %}
    select
        customer_id,
        version,
        {%- for field in fields %}
        {{ field }},
        {%- endfor %}
        {{ dbt.hash(versioned_fields(fields)) }} as fields_hash,
        valid_from,
        valid_to
    from {{ this }}
    {%- else %}
    select
        customer_id,
        cast(0 as bigint) as version,
        {%- for field in fields %}
        {{ field }},
        {%- endfor %}
        fields_hash,
        cast(null as timestamp) as valid_from,
        cast(null as timestamp) as valid_to
    from described
    where false
    {%- endif %}
),

latest as (
    select * from remembered
    qualify row_number() over (partition by customer_id order by version desc) = 1
),

-- what was true until now; a clock that was set back ends nothing before it began
kept as (
    select
        remembered.customer_id,
        remembered.version,
        {%- for field in fields %}
        remembered.{{ field }},
        {%- endfor %}
        remembered.valid_from,
        case
            when remembered.valid_to is not null then remembered.valid_to
            when described.customer_id is null then greatest(clock.clock_now, remembered.valid_from)
        end as valid_to
    from remembered
    cross join clock
    left join described
        on remembered.customer_id = described.customer_id and remembered.fields_hash = described.fields_hash
),

begun as (
    select
        described.customer_id,
        coalesce(latest.version, 0) + 1 as version,
        {%- for field in fields %}
        described.{{ field }},
        {%- endfor %}
        greatest(clock.clock_now, coalesce(latest.valid_to, latest.valid_from, clock.clock_now)) as valid_from,
        cast(null as timestamp) as valid_to
    from described
    cross join clock
    left join latest on described.customer_id = latest.customer_id
    where latest.customer_id is null or latest.valid_to is not null or latest.fields_hash <> described.fields_hash
),

history as (
    select * from kept
    union all
    select * from begun
)

select
    customer_id,
    cast(version as bigint) as version,
    {%- for field in fields %}
    {{ field }},
    {%- endfor %}
    valid_to is null as is_current,
    valid_from,
    valid_to
from history
