"""How each vendor grants access: its addresses and manners, as data that a connection's settings may change."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection


@dataclass(frozen=True)
class Manners:
    """One vendor's OAuth: where it asks the user, where codes and refresh tokens become access tokens, what is asked for.

    An address that begins with / is on the connection's own host. `secret` is the secret of connections.yml that is granted;
    `in_header` sends the client's id and secret as Basic credentials, else in the form; `host` is how the vendor wants the
    loopback to be called.
    """

    authorize_url: str
    token_url: str
    secret: str
    scopes: tuple[str, ...] = ()
    has_pkce: bool = False
    in_header: bool = False
    host: str = "localhost"


VENDORS: dict[str, Manners] = {
    "hubspot": Manners(
        authorize_url="https://app.hubspot.com/oauth/authorize",
        token_url="/oauth/2026-03/token",
        secret="token",
        scopes=(
            *("oauth", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read"),
            *("crm.schemas.contacts.write", "crm.lists.read", "crm.lists.write", "crm.objects.companies.read"),
            *("crm.objects.deals.read", "tickets", "communication_preferences.read_write", "content"),
        ),
    ),
    # an access token of Mailchimp's never ends, and there are no scopes
    "mailchimp": Manners(
        authorize_url="https://login.mailchimp.com/oauth2/authorize",
        token_url="https://login.mailchimp.com/oauth2/token",
        secret="api_key",
        host="127.0.0.1",
    ),
    "klaviyo": Manners(
        authorize_url="https://www.klaviyo.com/oauth/authorize",
        token_url="https://a.klaviyo.com/oauth/token",
        secret="api_key",
        scopes=(
            *("accounts:read", "campaigns:read", "events:read", "events:write", "lists:read", "lists:write", "metrics:read"),
            *("profiles:read", "profiles:write", "segments:read", "subscriptions:read", "subscriptions:write"),
        ),
        has_pkce=True,
        in_header=True,
    ),
}
# of a sandbox, which plays the vendor's login page as well
SANDBOX_AUTHORIZE = "/oauth/authorize"
_SAID = {one.name for one in fields(Manners)} - {"secret"}


def manners_of(connection: Connection) -> Manners:
    """A vendor's OAuth as `settings: {oauth: {…}}` of the connection changes it, with whole addresses.

    Raises ConfigurationError when the vendor has none, or for a setting that cannot be meant.
    """
    manners = VENDORS.get(connection.vendor)
    if manners is None:
        known = ", ".join(sorted(VENDORS))
        raise ConfigurationError(f"connection {connection.id}: {connection.vendor} has no OAuth that is known; {known} have")
    said = connection.settings.get("oauth") or {}
    if not isinstance(said, Mapping) or set(said) - _SAID:
        raise ConfigurationError(f"connection {connection.id}: settings.oauth: known are {', '.join(sorted(_SAID))}")
    if connection.lives_in_sandbox:
        manners = replace(manners, authorize_url=SANDBOX_AUTHORIZE)
    changed = replace(manners, **{**said, **({"scopes": tuple(said["scopes"])} if "scopes" in said else {})})
    return replace(
        changed,
        authorize_url=_whole(connection, changed.authorize_url),
        token_url=_whole(connection, changed.token_url),
    )


def _whole(connection: Connection, url: str) -> str:
    return connection.url + url if url.startswith("/") else url
