with customers as (
    select * from {{ ref('customers') }}
),

customer_mailboxes as (
    select * from {{ ref('int_customer_mailboxes_collected') }}
    where is_email_valid
),

consent as (
    select * from {{ ref('consent_status') }}
    where channel = 'email' and purpose = 'marketing_email' and brand = 'default' and decision = 'allow'
),

-- one address that the person allowed is enough: profiles write to that one
subscribers as (
    select distinct customer_mailboxes.customer_id
    from customer_mailboxes
    inner join customers on customer_mailboxes.customer_id = customers.customer_id
    inner join consent on customer_mailboxes.mailbox = consent.mailbox
)

select * from subscribers
