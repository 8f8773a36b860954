{{ config(enabled=own_tables() | length > 0) }}

with arrived as (
    {{ own_table('consent_acts', [
        'id', 'origin', 'contact_id', 'email', 'act', 'purpose', 'evidence', 'occurred_at',
    ], {'kind': 'own_contact', 'id': 'contact_id', 'email': 'email'}) }}
),

-- what somebody once refused they have refused, also when the table forgets it
source as (
    select * from arrived
    {{ latest_version(['connection_id', 'id'], 'occurred_at') }}
),

consent_acts as (
    select
        connection_id,
        source,
        id as own_act_id,
        contact_id as own_contact_id,
        {{ contact_point('email', 'source.email') }} as email,
        {{ contact_point('email', 'source.email', form='wide') }} as mailbox,
        nullif(trim(source.email), '') as email_as_kept,
        act,
        nullif(trim(purpose), '') as purpose,
        lower(nullif(trim(evidence), '')) as evidence,
        is_removed,
        {{ utc_timestamp('occurred_at') }} as occurred_at,
        {{ epoch_timestamp('_dlt_load_id') }} as received_at
    from source
)

select * from consent_acts
