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

-- Of a person's addresses the one that they allowed us to write to, then the golden record's. What was granted is
-- granted for the address as the person wrote it; what is allowed without that is written to as the golden record has it,
-- not as an ESP gives our own document back.
addresses as (
    select
        customer_mailboxes.customer_id,
        customer_mailboxes.mailbox,
        coalesce(
            case when consent.reason in ('single_opt_in', 'double_opt_in') then consent.address end,
            customer_mailboxes.email
        ) as email
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
)

select * from addresses
