"""The sandbox's secrets, made at random with the state and kept in it."""

import base64
import binascii
import hmac
import secrets
import string
import uuid
from typing import Any

from mailhouse.sandbox.store import Store

SECRETS = "secrets"


def secrets_of(store: Store) -> dict[str, dict[str, str]]:
    """The secrets by vendor; made when they are first needed, the same ever after."""
    with store.transaction():
        kept: dict[str, Any] = store.meta_get(SECRETS) or {}
        fresh = {
            "hubspot": {
                "token": f"pat-eu1-{secrets.token_hex(16)}",
                "client_id": str(uuid.uuid4()),
                "client_secret": str(uuid.uuid4()),
            },
            "shopify": {"client_id": secrets.token_hex(16), "client_secret": f"shpss_{secrets.token_hex(16)}"},
            "mailchimp": {"api_key": f"{secrets.token_hex(16)}-us1"},
            "klaviyo": {"api_key": f"pk_{secrets.token_hex(17)}"},
            "sendgrid": {"api_key": f"SG.{secrets.token_urlsafe(16)}.{secrets.token_urlsafe(32)}"},
            "salesforce": {
                "client_id": f"3MVG9{secrets.token_hex(38)}",
                "client_secret": secrets.token_hex(32).upper(),
                "username": "integration@mailhouse.example",
            },
        }
        # of a state that is older than one of its vendor's secrets
        made = {vendor: {**ours, **kept.get(vendor, {})} for vendor, ours in fresh.items()}
        if made != kept:
            store.meta_set(SECRETS, made)
    return made


def shopify_token() -> str:
    """A fresh access token in the shape of Shopify's."""
    return "shpca_" + "".join(secrets.choice(string.hexdigits.lower()[:16]) for _ in range(32))


def same(given: str, expected: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


def bearer(header: str) -> str:
    """The token of an `Authorization: Bearer` header, '' without one."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def basic_user_and_password(header: str) -> tuple[str, str]:
    """Both halves of an `Authorization: Basic` header, '' and '' without a readable one."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def basic_password(header: str) -> str:
    """The password of an `Authorization: Basic` header, '' without a readable one."""
    return basic_user_and_password(header)[1]
