"""What HubSpot allows: calls of an account, and the sizes of its calls."""

from mailhouse.http import Limits

# how many contacts one call writes or reads
BATCH_ROWS = 100
# not published; a connection may say another number under `settings: {membership_rows: ...}`
MEMBER_ROWS = 1_000
# of a listing: contacts, members of a list
PAGE, MEMBER_PAGE = 100, 250
# a Professional portal takes 190 calls in any ten seconds; some are left to the landing and to other programs
LIMITS = Limits(connections=8, rate=15.0, burst=10, timeout=60.0, reserved_connections=1, reserved_share=0.05)
