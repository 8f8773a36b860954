"""What is asked of Salesforce for a session: an app's secret, or an assertion signed with the key of its certificate."""

from datetime import datetime

import jwt

from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://login.salesforce.com"  # `settings: {audience: …}`: https://test.salesforce.com for a Salesforce sandbox
TOKEN = "/services/oauth2/token"
# with a 403, which elsewhere means that we may not
LIMIT_EXCEEDED = "REQUEST_LIMIT_EXCEEDED"
PRIVATE_KEY, CLIENT_SECRET = "private_key", "client_secret"


def secret_name(connection: Connection) -> str:
    """The secret that opens the org: the private key where the connection names one, else the app's secret."""
    return PRIVATE_KEY if PRIVATE_KEY in connection.secret_names else CLIENT_SECRET


def asked_grant(connection: Connection, ends: datetime) -> dict[str, str]:
    """The form of the request; an assertion is good until `ends` (aware), which Salesforce wants to be minutes away.

    Raises CredentialsMissing, and ConfigurationError for a private key that is none.
    """
    client_id = connection.secret("client_id")
    if secret_name(connection) == CLIENT_SECRET:
        asked = {"grant_type": "client_credentials", "client_id": client_id}
        return {**asked, "client_secret": connection.secret(CLIENT_SECRET)}
    said = {
        "iss": client_id,
        "sub": connection.secret("username"),
        "aud": str(connection.settings.get("audience", AUDIENCE)),
        "exp": int(ends.timestamp()),
    }
    try:
        assertion = jwt.encode(said, connection.secret(PRIVATE_KEY), algorithm="RS256")
    except (ValueError, TypeError, jwt.InvalidKeyError) as error:
        raise ConfigurationError(
            f"connection {connection.id}: the secret `{PRIVATE_KEY}` is no RSA key in PEM form; give the whole text of the file"
        ) from error
    return {"grant_type": JWT_BEARER, "assertion": assertion}
