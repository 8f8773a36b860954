{{ config(materialized='table') }}

with customer_mailboxes as (
    select * from {{ ref('int_customer_mailboxes_collected') }}
),

customer_fields as (
    select * from {{ ref('int_customer_fields_chosen') }}
    where field = 'address'
),

policies as (
    select * from {{ ref('jurisdictions') }}
),

known_customers as (
    select * from {{ ref('int_customers_known') }}
),

-- a country that is unknown, or has no policy, gets the row called *
placed as (
    select
        customer_mailboxes.mailbox,
        coalesce(known.jurisdiction, unknown.jurisdiction) as jurisdiction,
        coalesce(known.proof_required, unknown.proof_required) as proof_required,
        coalesce(known.implied_months_after_purchase, unknown.implied_months_after_purchase) as implied_months_after_purchase,
        coalesce(known.implied_months_after_inquiry, unknown.implied_months_after_inquiry) as implied_months_after_inquiry,
        coalesce(known.soft_opt_in_months, unknown.soft_opt_in_months) as soft_opt_in_months,
        coalesce(known.strictness, unknown.strictness) as strictness,
        known.jurisdiction is null and known_customers.customer_id is null as is_nobody_we_know
    from customer_mailboxes
    left join customer_fields on customer_mailboxes.customer_id = customer_fields.customer_id
    left join known_customers on customer_mailboxes.customer_id = known_customers.customer_id
    left join policies as known on customer_fields.value_3 = known.country_code
    left join policies as unknown on unknown.country_code = '*'
),

-- a mailbox that several people use follows the strictest of their countries
decided as (
    select
        mailbox,
        jurisdiction,
        proof_required,
        implied_months_after_purchase,
        implied_months_after_inquiry,
        soft_opt_in_months
    from placed
    qualify row_number() over (
        partition by mailbox
        order by case when is_nobody_we_know then 1 else 0 end asc, strictness desc, jurisdiction asc
    ) = 1
)

select * from decided
