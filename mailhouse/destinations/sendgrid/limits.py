"""What SendGrid allows: the sizes of its calls, and that each endpoint has a window of its own.

It publishes no rates. How many calls are left, and until when, is in each answer (X-RateLimit-Remaining and -Reset), and the
HTTP client keeps to that.
"""

from mailhouse.http import Limits, Quota

# how many of what one call carries
UPSERT_ROWS = 30_000
UPSERT_BYTES = 6_000_000
LOOKUP_ROWS = 100
# not published: a hundred ids of 36 characters fit into every address
LEAVE_ROWS = 100
LIST_PAGE = 1_000
SUPPRESSION_PAGE = 500
# not published: a bound of our own
SUPPRESS_ROWS = 1_000
ERASE_ROWS, ERASE_BYTES = 5_000, 256_000
SEND_ROWS = 1_000
# SendGrid looks up no longer address, and whoever could not be found again could not be taken off a list
LONGEST_ADDRESS = 100

CONTACTS = "/v3/marketing/contacts"
IMPORT = f"{CONTACTS}/imports/{{id}}"
EXPORTS = f"{CONTACTS}/exports"
EXPORT = f"{EXPORTS}/{{id}}"
BY_EMAILS = f"{CONTACTS}/search/emails"
LISTS = "/v3/marketing/lists"
LIST = f"{LISTS}/{{id}}"
LEAVE = f"{LIST}/contacts"
FIELDS = "/v3/marketing/field_definitions"
GLOBAL = "/v3/asm/suppressions/global"
GROUP = "/v3/asm/groups/{id}"
GROUP_SUPPRESSIONS = f"{GROUP}/suppressions"
GROUP_SEARCH = f"{GROUP_SUPPRESSIONS}/search"
ERASURE = "/v3/recipients/erasejob"
SEND = "/v3/mail/send"
SUPPRESSIONS = "/v3/suppression"
# lists that keep an address from being mailed, and what that makes of it; the last one that has an address counts
SUPPRESSED_BY = {
    "invalid_emails": "invalid",
    "bounces": "bounced",
    "unsubscribes": "unsubscribed",
    "spam_reports": "complained",
}

# named so that one that is used up does not hold up the others
_ENDPOINTS = (
    *(f"PUT {CONTACTS}", f"DELETE {CONTACTS}", f"GET {IMPORT}", f"POST {BY_EMAILS}", f"POST {EXPORTS}", f"GET {EXPORT}"),
    *(f"GET {LISTS}", f"POST {LISTS}", f"GET {LIST}", f"GET {FIELDS}", f"POST {FIELDS}"),
    *(f"POST {GLOBAL}", f"GET {GLOBAL}/{{email}}", f"GET {GROUP}", f"POST {GROUP_SUPPRESSIONS}", f"POST {GROUP_SEARCH}"),
    *(f"POST {SEND}", f"DELETE {LEAVE}", *(f"GET {SUPPRESSIONS}/{name}" for name in SUPPRESSED_BY)),
)
LIMITS = Limits(
    connections=10,
    timeout=120.0,
    endpoints={**dict.fromkeys(_ENDPOINTS, Quota()), f"POST {ERASURE}": Quota(per_minute=100)},
    reserved_connections=1,
    reserved_share=0.05,
)
