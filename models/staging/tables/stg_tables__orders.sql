{{ config(enabled=own_tables() | length > 0) }}

with arrived as (
    {{ own_table('orders', [
        'id', 'origin', 'name', 'contact_id', 'email', 'currency', 'country', 'channel', 'status', 'gross_amount',
        'discount_amount', 'refunded_amount', 'is_cancelled', 'is_test', 'ordered_at', 'updated_at',
    ]) }}
),

source as (
    select
        arrived.*,
        {{ erased_as('arrived', 'own_order', 'id', 'email') }} as erased_as,
        ({{ erased('record', record_name('arrived', 'own_contact', 'contact_id'), 'max(erased.surrogate)') }}) as contact_erased_as
    from arrived
    {{ latest_version(['connection_id', 'id'], 'updated_at') }}
),

orders as (
    select
        connection_id,
        source,
        id as own_order_id,
        -- an order counts for the books, whoever it is of
        coalesce(contact_erased_as, erased_as, contact_id) as own_contact_id,
        case when contact_erased_as is null and erased_as is null then name end as order_name,
        case
            when contact_erased_as is null and erased_as is null then {{ contact_point('email', 'source.email') }}
        end as email,
        case
            when contact_erased_as is null and erased_as is null
                then {{ contact_point('email', 'source.email', form='wide') }}
        end as mailbox,
        upper(nullif(trim(currency), '')) as currency,
        upper(nullif(trim(country), '')) as country_code,
        nullif(trim(channel), '') as sales_channel,
        lower(nullif(trim(status), '')) as financial_status,
        coalesce(gross_amount, 0) as gross_amount,
        coalesce(discount_amount, 0) as discount_amount,
        coalesce(refunded_amount, 0) as refunded_amount,
        {{ contact_point_is_valid('email', 'source.email') }} as is_email_valid,
        coalesce(is_cancelled, false) as is_cancelled,
        coalesce(is_test, false) as is_test,
        is_removed as is_deleted,
        {{ utc_timestamp('ordered_at') }} as ordered_at,
        {{ utc_timestamp('coalesce(updated_at, ordered_at)') }} as updated_at
    from source
)

select * from orders
