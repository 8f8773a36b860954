"""What is asked of a vendor's token endpoint: a code, or a refresh token, for an access token."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import requests

from mailhouse.clock import Clock
from mailhouse.errors import CredentialsRejected, MalformedAnswer, VendorUnreachable
from mailhouse.oauth.store import Grant
from mailhouse.oauth.vendors import Manners
from mailhouse.settings import Connection

TIMEOUT = 30  # seconds
TRIES = 3


class GrantRefused(CredentialsRejected):
    """The vendor does not take this code or refresh token; another one may do."""


def of_code(connection: Connection, manners: Manners, code: str, redirect_uri: str, verifier: str, clock: Clock) -> Grant:
    """The grant for the code that the browser brought. Raises GrantRefused, VendorUnreachable, MalformedAnswer."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    return _ask(connection, manners, form | ({"code_verifier": verifier} if verifier else {}), clock)


def of_refresh_token(connection: Connection, manners: Manners, refresh_token: str, clock: Clock) -> Grant:
    """The grant for a refresh token; one that the vendor does not replace stays. Raises as `of_code`."""
    return _ask(connection, manners, {"grant_type": "refresh_token", "refresh_token": refresh_token}, clock)


def _ask(connection: Connection, manners: Manners, form: Mapping[str, str], clock: Clock) -> Grant:
    client_id, client_secret = connection.secret("client_id"), connection.secret("client_secret")
    own = {} if manners.in_header else {"client_id": client_id, "client_secret": client_secret}
    auth = (client_id, client_secret) if manners.in_header else None
    asked_at = clock.now()
    for attempt in range(1, TRIES + 1):
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy and no netrc of the environment
                answer = session.post(manners.token_url, {**form, **own}, auth=auth, timeout=TIMEOUT, allow_redirects=False)
        # the library's error may hold the form: it is kept as no cause
        except requests.RequestException as error:
            trouble = type(error).__name__
        else:
            if answer.status_code < 500 and answer.status_code != 429:
                return _granted(connection, answer, form, asked_at)
            trouble = f"HTTP {answer.status_code}"
        if attempt < TRIES:
            clock.sleep(2.0**attempt)
    raise VendorUnreachable(
        f"connection {connection.id}: its token endpoint gave no answer in {TRIES} tries ({trouble}); run again later"
    )


def _granted(connection: Connection, answer: requests.Response, form: Mapping[str, str], asked_at: datetime) -> Grant:
    try:
        body: Any = answer.json()
    except ValueError:
        body = None
    if answer.status_code in (400, 401, 403):
        raise GrantRefused(
            f"connection {connection.id}: the vendor refuses the {form['grant_type'].replace('_', ' ')}"
            f" (HTTP {answer.status_code}); check client_id and client_secret, or run `mailhouse connect {connection.id}`"
        )
    if answer.status_code != 200 or not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
        raise MalformedAnswer(f"connection {connection.id}: its token endpoint answered no access_token; check `settings.oauth`")
    life = body.get("expires_in")
    ends_at = (asked_at + timedelta(seconds=float(life))).isoformat() if life else ""
    return Grant(
        access_token=body["access_token"],
        refresh_token=str(body.get("refresh_token") or form.get("refresh_token") or ""),
        ends_at=ends_at,
        scopes=_scopes(body),
    )


def _scopes(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What was granted: most vendors say it as one text, some as a list."""
    said = body.get("scopes") or body.get("scope") or ()
    return tuple(said.split()) if isinstance(said, str) else tuple(str(one) for one in said)
