"""How documents are told apart where an ESP compares addresses in lower case and has no id that an address gives."""

import hashlib


def normal(address: str) -> str:
    """The form in which such an ESP keeps and compares addresses."""
    return address.strip(" ").lower()


def key_sql(address: str) -> str:
    """SQL for a document's key: md5 of the normal form of the address."""
    return f"md5(lower(trim({address})))"


def key_of(address: str) -> str:
    """As `key_sql`, of one address."""
    return hashlib.md5(normal(address).encode(), usedforsecurity=False).hexdigest()
