"""Salesforce's tokens: granted to an external client app by its secret, or for an assertion signed with its certificate's key."""

import secrets
import threading
from typing import Any
from urllib.parse import parse_qs

import jwt

from mailhouse.sandbox.auth import basic_user_and_password, same
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.store import Store
from mailhouse.sandbox.wire import Call, Reply

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
CERTIFICATE = "salesforce.certificate"


def trust(store: Store, public_key: str) -> None:
    """Gives the app the public key (PEM) whose private half may sign assertions, as an administrator uploads a certificate."""
    store.meta_set(CERTIFICATE, public_key)


class Tokens:
    """The tokens of one org; each lives for `token_seconds` of the machine, or for `token_calls` calls."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._tokens: dict[str, tuple[float, int | None]] = {}
        self._lock = threading.Lock()

    def grant(self, call: Call) -> Reply:
        """POST /services/oauth2/token, a form."""
        asked = {name: values[-1] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}
        grants = {"client_credentials": self._by_secret, JWT_BEARER: self._by_assertion}
        check = grants.get(asked.get("grant_type", ""))
        if check is None:
            return _no("unsupported_grant_type", "grant type not supported")
        objection = check(call, asked)
        if objection is not None:
            return objection
        token = f"00DSb0000000001!{secrets.token_urlsafe(48)}"
        limits = self._runtime.limits["salesforce"]
        with self._lock:
            self._tokens[token] = (self._runtime.ticks.now() + limits["token_seconds"], limits["token_calls"])
        milliseconds = round(self._runtime.store.now().timestamp() * 1000)
        body = {
            "access_token": token,
            "signature": secrets.token_urlsafe(32),
            "scope": "api",
            "instance_url": call.base_url,
            "id": f"{call.base_url}/id/00DSb0000000001/005Sb0000000001",
            "token_type": "Bearer",
            "issued_at": str(milliseconds),
        }
        return Reply(200, body)

    def is_good(self, token: str) -> bool:
        """Whether the token still opens the door; using it up counts."""
        with self._lock:
            ends, left = self._tokens.get(token, (0.0, 0))
            if token not in self._tokens or ends <= self._runtime.ticks.now() or left == 0:
                self._tokens.pop(token, None)
                return False
            if left is not None:
                self._tokens[token] = (ends, left - 1)
            return True

    def _by_secret(self, call: Call, asked: dict[str, str]) -> Reply | None:
        own = self._runtime.secrets["salesforce"]
        user, password = basic_user_and_password(call.headers.get("authorization", ""))
        client_id, secret = asked.get("client_id", user), asked.get("client_secret", password)
        if not same(client_id, own["client_id"]):
            return _no("invalid_client_id", "client identifier invalid")
        return None if same(secret, own["client_secret"]) else _no("invalid_client", "invalid client credentials")

    def _by_assertion(self, call: Call, asked: dict[str, str]) -> Reply | None:
        own, key = self._runtime.secrets["salesforce"], self._runtime.store.meta_get(CERTIFICATE)
        if key is None:
            return _no("invalid_grant", "no certificate is uploaded for this app")
        try:
            # when it ends is held against the company's clock, which the library does not know
            required: dict[str, Any] = {"require": ["iss", "sub", "aud", "exp"], "verify_exp": False}
            audiences = [*AUDIENCES, call.base_url]
            said = jwt.decode(asked.get("assertion", ""), key, algorithms=["RS256"], audience=audiences, options=required)
        except jwt.InvalidAudienceError:
            return _no("invalid_grant", "audience is invalid")
        except jwt.InvalidTokenError:
            return _no("invalid_grant", "invalid assertion")
        if not same(str(said["iss"]), own["client_id"]):
            return _no("invalid_client_id", "client identifier invalid")
        if not same(str(said["sub"]), own["username"]):
            return _no("invalid_grant", "user hasn't approved this consumer")
        if float(said["exp"]) < self._runtime.store.now().timestamp():
            return _no("invalid_grant", "expired assertion")
        return None


def _no(error: str, description: str) -> Reply:
    return Reply(400, {"error": error, "error_description": description})
