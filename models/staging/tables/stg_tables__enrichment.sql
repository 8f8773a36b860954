{{ config(enabled=own_tables() | length > 0) }}

with arrived as (
    {{ own_table('enrichment', [
        'id', 'origin', 'contact_id', 'email', 'name', 'value', 'updated_at',
    ], {'kind': 'own_contact', 'id': 'contact_id', 'email': 'email'}) }}
),

source as (
    select * from arrived
    where not is_removed
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

enrichment as (
    select
        connection_id,
        source,
        id as own_value_id,
        contact_id as own_contact_id,
        {{ contact_point('email', 'source.email', form='wide') }} as mailbox,
        nullif(trim(source.email), '') as email_as_kept,
        name as value_name,
        nullif(trim(value), '') as value,
        {{ utc_timestamp('updated_at') }} as updated_at
    from source
)

select * from enrichment
