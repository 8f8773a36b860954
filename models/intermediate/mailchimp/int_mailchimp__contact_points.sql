with members as (
    select * from {{ ref('stg_mailchimp__members') }}
),

contact_points as (
    {{ contact_points_of('members', "'member'", "list_id || ':' || member_id", [
        ('email', 'email', 'mailbox', 'is_email_valid'),
    ]) }}
)

select * from contact_points
