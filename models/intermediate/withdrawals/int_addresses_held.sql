with united as (
    {{ union_sources('addresses_held', ['hubspot', 'shopify', 'mailchimp', 'klaviyo', 'sendgrid', 'salesforce'], {
        'connection_id': 'varchar',
        'source': 'varchar',
        'container': 'varchar',
        'container_name': 'varchar',
        'record_id': 'varchar',
        'address': 'varchar',
        'mailbox': 'varchar',
        'is_mailable': 'boolean',
        'agreed_at': 'timestamp',
        'updated_at': 'timestamp',
    }) }}
)

select * from united
