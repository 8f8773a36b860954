"""OAuth as a vendor grants it: a page where the user says yes at once, codes, and refresh tokens that rotate.

A refresh token is worth something until the one that replaced it, or the access token that came with it, is used. So whoever
lost the answer to a refresh can ask again; whoever uses an old one after that is refused.
"""

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from mailhouse.sandbox.auth import same
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.wire import Call, Reply

LOOPBACK = ("localhost", "127.0.0.1")


class OAuth:
    """One vendor's grants, kept in the sandbox's state; tokens end by the seconds of the machine."""

    def __init__(self, runtime: Runtime, vendor: str) -> None:
        self._runtime, self._vendor, self._key = runtime, vendor, f"{vendor}.oauth"

    def authorize(self, call: Call) -> Reply:
        """GET: the vendor's page; the user grants what is asked, and the browser is sent back with a code."""
        asked = call.query
        target = urlsplit(asked.get("redirect_uri", ""))
        if not self._is_client(asked.get("client_id", "")) or target.hostname not in LOOPBACK or target.scheme != "http":
            return Reply(400, b"<!doctype html><p>The client or its redirect address is not known.</p>", media="text/html")
        code = secrets.token_urlsafe(24)
        kept = {name: asked.get(name, "") for name in ("redirect_uri", "scope", "code_challenge", "code_challenge_method")}
        with self._runtime.store.transaction():
            state = self._state()
            state["codes"][code] = kept
            self._keep(state)
        back = urlencode({"code": code, "state": asked.get("state", "")})
        return Reply(302, b"", headers={"Location": f"{asked['redirect_uri']}?{back}"})

    def token(self, call: Call) -> Reply:
        """POST, a form: a code or a refresh token becomes an access token."""
        form = {name: values[0] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}
        client_id, client_secret = _basic(call.headers.get("authorization", "")) or (
            form.get("client_id", ""),
            form.get("client_secret", ""),
        )
        own = self._runtime.secrets[self._vendor]
        if not self._is_client(client_id) or not same(client_secret, own["client_secret"]):
            return _refused("invalid_client")
        with self._runtime.store.transaction():
            state = self._state()
            reply = (
                self._of_code(state, form) if form.get("grant_type") == "authorization_code" else self._of_refresh(state, form)
            )
            self._keep(state)
        return reply

    def _of_code(self, state: dict[str, Any], form: dict[str, str]) -> Reply:
        # a code is worth something once
        kept = state["codes"].pop(form.get("code", ""), None)
        if kept is None or kept["redirect_uri"] != form.get("redirect_uri"):
            return _refused("invalid_grant")
        if kept["code_challenge"]:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != kept["code_challenge"]:
                return _refused("invalid_grant")
        return self._issue(state, kept["scope"], replaces="")

    def _of_refresh(self, state: dict[str, Any], form: dict[str, str]) -> Reply:
        given = form.get("refresh_token", "")
        found = state["refresh"].get(given)
        if form.get("grant_type") != "refresh_token" or found is None:
            return _refused("invalid_grant")
        self._use(state, given)
        # asked again: what came of it before was lost, and is worth nothing any more
        for name in [name for name, one in state["refresh"].items() if one["replaces"] == given]:
            del state["refresh"][name]
        state["access"] = {name: one for name, one in state["access"].items() if one["refresh"] in state["refresh"]}
        return self._issue(state, found["scope"], replaces=given)

    def _issue(self, state: dict[str, Any], scope: str, replaces: str) -> Reply:
        access, refresh = f"{self._vendor}-at-{secrets.token_hex(20)}", f"{self._vendor}-rt-{secrets.token_hex(20)}"
        life = self._runtime.limits[self._vendor]["token_seconds"]
        state["refresh"][refresh] = {"scope": scope, "replaces": replaces}
        state["access"][access] = {"refresh": refresh, "ends": self._runtime.ticks.now() + life, "scope": scope}
        body = {"access_token": access, "refresh_token": refresh, "expires_in": life, "token_type": "bearer"}
        return Reply(200, body | ({"scope": scope} if scope else {}), rows=1)

    def _use(self, state: dict[str, Any], refresh: str) -> None:
        """The first use of what a refresh gave ends what it replaced."""
        found = state["refresh"].get(refresh)
        if found and found["replaces"]:
            state["refresh"].pop(found["replaces"], None)
            found["replaces"] = ""

    def scopes_of(self, token: str) -> list[str] | None:
        """What an access token allows; None when it is none, or has ended."""
        found = self._state()["access"].get(token)
        if found is None or found["ends"] <= self._runtime.ticks.now():
            return None
        return str(found["scope"]).split()

    def admits(self, token: str) -> bool:
        """Whether an access token is good for a call, which is its use."""
        if self.scopes_of(token) is None:
            return False
        with self._runtime.store.transaction():
            state = self._state()
            refresh = state["access"][token]["refresh"]
            if (state["refresh"].get(refresh) or {}).get("replaces"):
                self._use(state, refresh)
                self._keep(state)
        return True

    def _is_client(self, client_id: str) -> bool:
        return same(client_id, self._runtime.secrets[self._vendor]["client_id"])

    def _state(self) -> dict[str, Any]:
        return self._runtime.store.meta_get(self._key) or {"codes": {}, "refresh": {}, "access": {}}

    def _keep(self, state: dict[str, Any]) -> None:
        self._runtime.store.meta_set(self._key, state)


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return "", ""
    return name, password


def _refused(error: str) -> Reply:
    return Reply(400, {"error": error, "error_description": "the grant is not accepted", "status": "BAD_AUTH"})
