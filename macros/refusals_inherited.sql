{# CTEs up to `inherited`: what a customer refused before they were found to be two persons, for the records that did not
   say it themselves. While they were one, the refusal held for all of their addresses; taking them apart takes it from
   none. `acts` is the ledger so far, which keeps what was once inherited, as it keeps every refusal. #}
{% macro refusals_inherited(acts) -%}
once_together as (
    select * from {{ ref('int_records_once_together') }}
),

points as (
    select
        people.record_key,
        people.connection_id,
        people.source,
        people.record_id,
        contact_points.value as address,
        contact_points.wide_value as mailbox
    from {{ ref('int_people_united') }} as people
    inner join {{ ref('int_contact_points_united') }} as contact_points on people.record_key = contact_points.record_key
    where contact_points.kind = 'email' and contact_points.wide_value is not null
),

-- the same refusals that reach all of a person's mailboxes (int_consent_acts_reached)
personal_refusals as (
    select
        acts.*,
        coalesce(acts.evidence like 'inherited from %', false) as is_inherited,
        case
            when acts.evidence like 'inherited from %' then substr(acts.evidence, 16) else acts.event_id
        end as first_event_id
    from {{ acts }} as acts
    left join {{ ref('consent_block_reasons') }} as block_reasons on acts.reason = block_reasons.reason
    where
        (acts.act = 'withdraw' and acts.reason <> 'passed_on')
        or (acts.act = 'block' and coalesce(block_reasons.reaches, 'person') = 'person')
),

-- Who refused: the record that tells of it, as long as anybody remembers that there was one. Where no record of a person
-- does (somebody wrote it into the inbox) it is every record with that mailbox, as it is in int_consent_acts_reached.
refusing_records as (
    select
        event_id,
        record_key as refusing_record_key
    from personal_refusals
    union distinct
    select
        refusals.event_id,
        users.record_key as refusing_record_key
    from personal_refusals as refusals
    inner join points as users on refusals.mailbox = users.mailbox
    left join {{ ref('int_people_united') }} as people on refusals.record_key = people.record_key
    where people.record_key is null
),

bequests as (
    select
        {{ dbt.hash("refusals.first_event_id || '|' || points.record_key || '|' || points.mailbox") }} as event_id,
        points.record_key,
        points.connection_id,
        points.source,
        points.record_id,
        points.address,
        points.mailbox,
        refusals.channel,
        refusals.purpose,
        refusals.brand,
        refusals.act,
        refusals.reason,
        'inherited from ' || refusals.first_event_id as evidence,
        refusals.proof,
        refusals.is_origin_dated,
        refusals.occurred_at,
        -- from then on it is their own, and goes on with them
        greatest(refusals.received_at, once_together.parted_at) as received_at
    from personal_refusals as refusals
    inner join refusing_records on refusals.event_id = refusing_records.event_id
    inner join once_together
        on
            refusing_records.refusing_record_key = once_together.other_record_key
            and (
                refusals.received_at < once_together.parted_at
                or (refusals.received_at = once_together.parted_at and not refusals.is_inherited)
            )
    inner join points on once_together.record_key = points.record_key
    left join {{ acts }} as firsts on refusals.first_event_id = firsts.event_id
    -- what comes back to whoever said it is no inheritance
    where firsts.record_key is null or firsts.record_key <> points.record_key
    -- the last of several that say the same is enough, and one of unknown time is the last
    qualify row_number() over (
        partition by
            points.record_key, points.mailbox, refusals.channel, refusals.purpose, refusals.brand, refusals.act, refusals.reason
        order by refusals.occurred_at desc nulls first, refusals.first_event_id asc, points.address asc
    ) = 1
),

inherited as (
    select bequests.*
    from bequests
    left join {{ acts }} as acts on bequests.event_id = acts.event_id
    where acts.event_id is null
)
{%- endmacro %}
