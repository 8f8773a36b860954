"""Names that may stand in SQL: an allow-list, so that a configuration can never say a statement."""

import re
from dataclasses import dataclass

from mailhouse.errors import ConfigurationError

_ALLOWED = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def is_identifier(name: object) -> bool:
    """Whether a name may be written into SQL: lower-case letters, digits and _, at most 63."""
    return isinstance(name, str) and _ALLOWED.fullmatch(name) is not None


def quoted(name: str) -> str:
    """The name as SQL writes it. Raises ConfigurationError when it is not on the allow-list."""
    if not is_identifier(name):
        raise ConfigurationError(f"{name!r}: not a name SQL may hold; use lower-case letters, digits and _, at most 63")
    return f'"{name}"'


@dataclass(frozen=True, order=True)
class Relation:
    """A table or view of the warehouse, each part of its name from the allow-list."""

    database: str
    schema: str
    name: str

    @property
    def sql(self) -> str:
        return ".".join(quoted(part.lower()) for part in (self.database, self.schema, self.name))
