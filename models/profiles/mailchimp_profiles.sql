with customers as (
    select * from {{ ref('customers') }}
),

customer_mailboxes as (
    select * from {{ ref('int_customer_mailboxes_collected') }}
    where is_email_valid
),

consent as (
    select * from {{ ref('consent_status') }}
    where channel = 'email' and purpose = 'marketing_email' and brand = 'default'
),

customer_rfm as (
    select * from {{ ref('customer_rfm') }}
),

customer_orders as (
    select * from {{ ref('int_customer_orders_summed') }}
),

statuses as (
    select * from {{ ref('int_mailchimp__statuses') }}
    where connection_id = 'mailchimp'
),

-- Of a person's addresses the one that they allowed us to write to, then the golden record's. What was granted is
-- granted for the address as the person wrote it.
addresses as (
    select
        customer_mailboxes.customer_id,
        customer_mailboxes.mailbox,
        coalesce(consent.address, customer_mailboxes.email) as email
    from customer_mailboxes
    inner join customers on customer_mailboxes.customer_id = customers.customer_id
    left join consent on customer_mailboxes.mailbox = consent.mailbox and consent.decision = 'allow'
    qualify row_number() over (
        partition by customer_mailboxes.customer_id
        order by
            case when consent.mailbox is null then 1 else 0 end asc,
            case when customer_mailboxes.email = customers.email then 0 else 1 end asc,
            consent.effective_at desc nulls last,
            customer_mailboxes.email asc
    ) = 1
),

-- somebody whom only Mailchimp knows may be nothing but our own document come back
known_elsewhere as (
    select distinct customer_id from {{ ref('customer_records') }}
    where source <> 'mailchimp'
),

-- one document a mailbox: of the persons who share it, the one who ordered last speaks, then the lowest id of those
-- whom another system knows
speakers as (
    select
        addresses.mailbox,
        addresses.email,
        addresses.customer_id as speaker_id
    from addresses
    left join customer_orders on addresses.customer_id = customer_orders.customer_id
    left join known_elsewhere on addresses.customer_id = known_elsewhere.customer_id
    qualify row_number() over (
        partition by addresses.mailbox
        order by
            customer_orders.last_ordered_at desc nulls last,
            case when known_elsewhere.customer_id is null then 1 else 0 end asc,
            addresses.customer_id asc
    ) = 1
),

-- no field says anything that changes merely because a day has passed
profiles as (
    select
        addresses.customer_id,
        speakers.email,
        addresses.mailbox,
        speakers.speaker_id as profile_customer_id,
        customers.first_name,
        customers.last_name,
        customers.country_code,
        customer_rfm.rfm_segment,
        statuses.esp_status,
        cast(round(customers.net_spend, 2) as decimal(18, 2)) as lifetime_spend,
        customers.last_order_date
    from addresses
    inner join speakers on addresses.mailbox = speakers.mailbox
    inner join customers on speakers.speaker_id = customers.customer_id
    left join customer_rfm on speakers.speaker_id = customer_rfm.customer_id
    left join statuses on addresses.mailbox = statuses.mailbox
)

select * from profiles
