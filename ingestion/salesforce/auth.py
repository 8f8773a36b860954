"""Salesforce's credentials: a session granted to an external client app, by its secret or by an assertion that we sign."""

from datetime import timedelta

import requests
from requests.auth import AuthBase

from ingestion.client import VendorRefused, VendorSession, credential_name
from ingestion.salesforce import settings
from ingestion.salesforce.session import slow_down
from mailhouse.clock import Clock
from mailhouse.errors import CredentialsRejected, MalformedAnswer
from mailhouse.settings import Connection
from mailhouse.vendors.salesforce_grant import TOKEN, asked_grant, secret_name


class Session(AuthBase):
    """Puts the session on each request; asks for one before the first, and anew when Salesforce says that it has ended."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection, self._clock = connection, clock
        self._secret = secret_name(connection)
        connection.secret(self._secret)
        self._session = VendorSession(connection, clock, rate=settings.RATE, secret=self._secret, slow_down=slow_down)
        self._token = ""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if not self._token:
            self._grant()
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def renew(self, request: requests.PreparedRequest) -> None:
        """Put a new session on a request that was refused: how long one lives is the org's setting, and no answer tells it."""
        self._grant()
        request.headers["Authorization"] = f"Bearer {self._token}"

    def _grant(self) -> None:
        asked = asked_grant(self._connection, self._clock.now() + timedelta(minutes=3))
        try:
            response = self._session.post(self._connection.url + TOKEN, data=asked)
        except VendorRefused as error:
            if error.status != 400:
                raise
            raise CredentialsRejected(
                f"connection {self._connection.id}: Salesforce grants no session (HTTP 400);"
                f" check {credential_name(self._connection, self._secret)}, and that the external client app allows this flow"
            ) from error
        body = response.json()
        if not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
            raise MalformedAnswer(f"connection {self._connection.id}: Salesforce's grant holds no access_token; check the url")
        self._token = body["access_token"]
