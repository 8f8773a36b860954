"""The browser's part of a grant: the vendor's page is opened, and a code comes back to a small server on the loopback."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from mailhouse.clock import Clock, stopwatch
from mailhouse.errors import ConfigurationError, CredentialsRejected
from mailhouse.oauth.exchange import of_code
from mailhouse.oauth.store import Grant
from mailhouse.oauth.vendors import Manners, manners_of
from mailhouse.settings import Connection

CALLBACK = "/callback"
PORT = 8718  # the redirect address must be registered with the vendor, so it is always the same
PATIENCE = 300.0  # seconds that the user has for the vendor's page
_DONE = b"<!doctype html><title>Mailhouse</title><p>Granted. You may close this page.</p>"
_NOT_DONE = b"<!doctype html><title>Mailhouse</title><p>Nothing was granted. The terminal says why.</p>"


class Callback(HTTPServer):
    """Waits on the loopback for the one answer that bears our state."""

    def __init__(self, port: int, state: str) -> None:
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise ConfigurationError(f"port {port} of this machine is taken; end what listens there, or say --port") from error
        self.state = state
        self.answer: dict[str, str] = {}

    def wait(self, seconds: float) -> dict[str, str]:
        """What came back, by name. Raises CredentialsRejected when nothing does."""
        ends = stopwatch() + seconds
        while not self.answer:
            self.timeout = max(0.0, ends - stopwatch())
            if not self.timeout:
                raise CredentialsRejected(f"nobody answered the vendor's page within {seconds:.0f} s; run the command again")
            self.handle_request()
        return self.answer


class _Handler(BaseHTTPRequestHandler):
    server: Callback

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        said = {name: values[0] for name, values in parse_qs(parts.query).items()}
        # a call without our state is not the vendor's answer, whoever makes it
        ours = parts.path == CALLBACK and hmac.compare_digest(said.get("state", ""), self.server.state)
        if ours:
            self.server.answer = said
        self.send_response(200 if ours else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(_DONE if ours and "code" in said else _NOT_DONE)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the address holds the code."""


def granted(
    connection: Connection, show: Callable[[str], object], clock: Clock, *, port: int = PORT, patience: float = PATIENCE
) -> Grant:
    """Have a user grant access: `show` is given the address of the vendor's page, and the grant is what came of it.

    Raises CredentialsRejected when the user says no, GrantRefused, VendorUnreachable, ConfigurationError.
    """
    manners = manners_of(connection)
    state = secrets.token_urlsafe(32)
    verifier = secrets.token_urlsafe(64) if manners.has_pkce else ""
    with Callback(port, state) as callback:
        redirect_uri = f"http://{manners.host}:{callback.server_address[1]}{CALLBACK}"
        show(_page(connection, manners, redirect_uri, state, verifier))
        said = callback.wait(patience)
    if "code" not in said:
        why = said.get("error", "no code came back")
        raise CredentialsRejected(f"connection {connection.id}: nothing was granted ({why[:60]}); run the command again")
    return of_code(connection, manners, said["code"], redirect_uri, verifier, clock)


def _page(connection: Connection, manners: Manners, redirect_uri: str, state: str, verifier: str) -> str:
    asked = {
        "response_type": "code",
        "client_id": connection.secret("client_id"),
        "redirect_uri": redirect_uri,
        "state": state,
    }
    if manners.scopes:
        asked["scope"] = " ".join(manners.scopes)
    if verifier:
        digest = hashlib.sha256(verifier.encode()).digest()
        asked |= {"code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), "code_challenge_method": "S256"}
    return f"{manners.authorize_url}?{urlencode(asked)}"
