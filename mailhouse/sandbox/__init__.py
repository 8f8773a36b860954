"""A company's HubSpot, Shopify and Mailchimp as one HTTP server on this machine, so that the chain runs without an account."""
