"""Where granted tokens are kept: encrypted, in a small file of the work directory; the key is in the environment alone."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from mailhouse.errors import ConfigurationError, CredentialsMissing, StateUnreadable
from mailhouse.settings import TOKEN_KEY, token_key
from mailhouse.sqlite import opened

FILE = "oauth.db"
# life that an access token must still have to be used: longer than one call may take
MARGIN = timedelta(seconds=120)
_SCHEMA = "create table if not exists grants (connection_id text primary key, sealed blob not null)"


@dataclass(frozen=True)
class Grant:
    """What a vendor granted to one connection. `previous` is the refresh token before this one: until the newer one has been
    used, a vendor that rotates them takes either. `ends_at` is UTC, ISO 8601; '' for an access token that never ends.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    previous: str = field(default="", repr=False)
    ends_at: str = ""
    scopes: tuple[str, ...] = ()

    def is_fresh(self, now: datetime) -> bool:
        """Whether the access token may still be used."""
        return not self.ends_at or now + MARGIN < datetime.fromisoformat(self.ends_at)


def new_key() -> str:
    """A key for `MAILHOUSE_TOKEN_KEY`."""
    return Fernet.generate_key().decode()


class Grants:
    """The grants of one work directory. Raises CredentialsMissing without a key, StateUnreadable with a wrong one."""

    def __init__(self, workdir: Path) -> None:
        self._path = workdir / FILE
        key = token_key()
        if not key:
            raise CredentialsMissing(
                f"{TOKEN_KEY}: not set, and granted tokens are kept under it; `mailhouse connect --new-key` makes one"
            )
        try:
            self._fernet = Fernet(key)
        except ValueError as error:
            raise ConfigurationError(f"{TOKEN_KEY}: is no key; `mailhouse connect --new-key` makes one") from error

    def get(self, connection_id: str) -> Grant | None:
        """The grant of a connection, None when there is none."""
        if not self._path.exists():
            return None
        with opened(self._path, _SCHEMA) as file:
            found = file.execute("select sealed from grants where connection_id = ?", (connection_id,)).fetchone()
        if found is None:
            return None
        try:
            said = json.loads(self._fernet.decrypt(found[0]))
        except InvalidToken as error:
            raise StateUnreadable(
                f"{self._path}: sealed with another key than {TOKEN_KEY}; set that one, or connect again"
            ) from error
        return Grant(**{**said, "scopes": tuple(said["scopes"])})

    def save(self, connection_id: str, grant: Grant) -> None:
        """Keep a grant in place of an earlier one; it is on disk when this returns."""
        sealed = self._fernet.encrypt(json.dumps(asdict(grant)).encode())
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
        with opened(self._path, _SCHEMA) as file:
            file.execute("insert or replace into grants values (?, ?)", (connection_id, sealed))

    @contextmanager
    def locked(self, connection_id: str) -> Iterator[None]:
        """Alone among all processes and threads of this work directory; a process that dies lets go."""
        path = self._path.with_name(f"oauth.{connection_id}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
