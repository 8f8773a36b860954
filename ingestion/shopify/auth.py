"""Shopify's credentials: a token that lives a day, granted to client id and secret, or an old permanent one."""

import requests
from requests.auth import AuthBase

from ingestion.client import VendorRefused, VendorSession, credential_name
from ingestion.shopify import settings
from mailhouse.clock import Clock, stopwatch
from mailhouse.errors import CredentialsRejected, MalformedAnswer
from mailhouse.settings import Connection

HEADER = "X-Shopify-Access-Token"
RENEW_BEFORE = 120  # seconds of life that a token must still have to be used


class ClientCredentials(AuthBase):
    """Puts a fresh token on each request; asks for a new one before the old one ends, or when the shop refuses it."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._session = VendorSession(connection, clock, rate=settings.RATE, secret="client_secret")
        self._client_id = connection.secret("client_id")
        self._client_secret = connection.secret("client_secret")
        self._token = ""
        self._ends = 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if not self._token or stopwatch() >= self._ends:
            self._grant()
        request.headers[HEADER] = self._token
        return request

    def renew(self, request: requests.PreparedRequest) -> None:
        """Put a new token on a request that was refused."""
        self._grant()
        request.headers[HEADER] = self._token

    def _grant(self) -> None:
        asked = {"grant_type": "client_credentials", "client_id": self._client_id, "client_secret": self._client_secret}
        try:
            response = self._session.post(self._connection.url + settings.ACCESS_TOKEN, data=asked)
        except VendorRefused as error:
            if error.status not in (400, 404):
                raise
            names = " and ".join(credential_name(self._connection, name) for name in ("client_id", "client_secret"))
            raise CredentialsRejected(
                f"connection {self._connection.id}: Shopify grants no token (HTTP {error.status}); check {names},"
                " and that the app is installed in this shop"
            ) from error
        body = response.json()
        if not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
            raise MalformedAnswer(f"connection {self._connection.id}: Shopify's grant holds no access_token; check the url")
        self._token = body["access_token"]
        self._ends = stopwatch() + float(body.get("expires_in", 86_399)) - RENEW_BEFORE


class PermanentToken(AuthBase):
    """The token of a custom app made before 2026, which never ends."""

    def __init__(self, connection: Connection) -> None:
        self._token = connection.secret("token")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[HEADER] = self._token
        return request
