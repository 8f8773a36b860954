{{ config(enabled=own_tables() | length > 0) }}

with acts as (
    select * from {{ ref('stg_tables__consent_acts') }}
),

contacts as (
    select * from {{ ref('stg_tables__contacts') }}
),

-- a yes that is no longer in the table is none; what a wording proves is said in seeds/consent_evidence.csv
consent_acts as (
    select
        acts.connection_id,
        acts.source,
        case when acts.own_contact_id is not null then 'own_contact' else 'own_act' end as record_type,
        coalesce(acts.own_contact_id, acts.own_act_id) as record_id,
        coalesce(acts.email, contacts.email) as address,
        coalesce(acts.mailbox, contacts.mailbox) as mailbox,
        coalesce(acts.purpose, case when acts.act = 'withdraw' then '*' end) as purpose,
        acts.act,
        'own_table' as reason,
        acts.evidence,
        acts.occurred_at is not null as is_origin_dated,
        coalesce(acts.occurred_at, case when acts.act = 'withdraw' then acts.received_at end) as occurred_at,
        acts.received_at
    from acts
    left join contacts
        on acts.connection_id = contacts.connection_id and acts.own_contact_id = contacts.own_contact_id
    where acts.act = 'withdraw' or (not acts.is_removed and acts.purpose is not null)
)

select * from consent_acts
