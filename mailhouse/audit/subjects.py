"""Whom an entry is about, so that it can be found while they are known and by nobody once they are erased.

A subject is HMAC-SHA256(salt, mailbox), the salt random and the person's own. The salt is kept with the tombstones, under the
mailbox's keyed hash; once it is deleted, nobody can tell whom the entries were about.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable

from mailhouse.privacy.tombstones import PrivacyFile
from mailhouse.settings import Settings

MAILBOX = "email"


def subject_of(settings: Settings, mailbox: str) -> str:
    """The subject of entries about a mailbox (wide form); its salt is made when it has none yet. Raises StateUnreadable."""
    file = PrivacyFile(settings)
    key = file.keyed(MAILBOX, mailbox)
    with file.opened() as connection:
        connection.execute("insert into salts values (?, ?) on conflict do nothing", [key, secrets.token_hex(32)])
        (salt,) = connection.execute("select salt from salts where keyed_hash = ?", [key]).fetchone()
    return hmac.digest(bytes.fromhex(salt), mailbox.encode(), hashlib.sha256).hex()


def forget(settings: Settings, mailboxes: Iterable[str]) -> None:
    """Delete the salts of these mailboxes: the entries about them stay, and are about nobody any more."""
    file = PrivacyFile(settings)
    keys = [[file.keyed(MAILBOX, mailbox)] for mailbox in mailboxes]
    with file.opened() as connection:
        connection.executemany("delete from salts where keyed_hash = ?", keys)
