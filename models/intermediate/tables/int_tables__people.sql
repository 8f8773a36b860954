{{ config(enabled=own_tables() | length > 0) }}

with contacts as (
    select * from {{ ref('stg_tables__contacts') }}
),

orders as (
    select * from {{ ref('stg_tables__orders') }}
),

country_names as (
    select * from {{ ref('country_names') }}
),

-- an order of nobody in particular was placed by a guest; one whose contact never landed still belongs to somebody
strangers as (
    select
        orders.*,
        case when orders.own_contact_id is null then 'own_order' else 'own_contact' end as record_type,
        coalesce(orders.own_contact_id, orders.own_order_id) as record_id
    from orders
    left join contacts
        on orders.connection_id = contacts.connection_id and orders.own_contact_id = contacts.own_contact_id
    where contacts.own_contact_id is null and (orders.own_contact_id is not null or orders.email is not null)
),

people as (
    select
        contacts.connection_id,
        contacts.source,
        'own_contact' as record_type,
        contacts.own_contact_id as record_id,
        contacts.email,
        contacts.mailbox,
        contacts.is_email_valid,
        case when contacts.is_phone_valid then contacts.phone end as phone,
        contacts.first_name,
        contacts.last_name,
        contacts.company,
        contacts.city,
        contacts.zip,
        coalesce(
            case when length(contacts.country) = 2 then upper(contacts.country) end,
            country_names.country_code
        ) as country_code,
        contacts.language,
        contacts.is_deleted,
        true as has_own_name,
        contacts.created_at,
        contacts.updated_at
    from contacts
    left join country_names on lower(contacts.country) = country_names.country_name
    union all
    {{ people_known_by_orders('strangers', 'own_order_id') }}
)

select * from people
