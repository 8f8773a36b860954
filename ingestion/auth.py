"""The credentials of a connection on each request, as they are at that moment: what was granted ends and is renewed."""

import requests
from requests.auth import AuthBase

from mailhouse.settings import Connection


class Authorization(AuthBase):
    """Puts the secret called `name` on each request. Raises CredentialsMissing at once when there is none."""

    def __init__(self, connection: Connection, name: str, scheme: str = "Bearer") -> None:
        self._connection, self._name, self._scheme = connection, name, scheme
        connection.secret(name)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._connection.authorization(self._name, self._scheme)
        return request
