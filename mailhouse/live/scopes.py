"""What credentials allow, held against what is wanted of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mailhouse.errors import NotAllowed
from mailhouse.oauth.store import Grants
from mailhouse.oauth.vendors import VENDORS
from mailhouse.settings import Connection


@dataclass(frozen=True)
class Scope:
    """A scope by the vendor's name. `within` are wider ones that give it as well; `without` makes it optional and says what
    is lost where it is missing."""

    name: str
    within: tuple[str, ...] = ()
    without: str = ""

    def is_in(self, allowed: Collection[str]) -> bool:
        return not {self.name, *self.within}.isdisjoint(allowed)


def compared(allowed: Collection[str], wanted: Sequence[Scope], cure: str) -> str:
    """What is well about the scopes, with a remark for each optional one that is missing. Raises NotAllowed, with `cure`."""
    missing = [one for one in wanted if not one.is_in(allowed)]
    if lacked := sorted(one.name for one in missing if not one.without):
        raise NotAllowed(f"lacks {', '.join(lacked)}; {cure}")
    needed = sum(not one.without for one in wanted)
    return "; ".join([f"all {needed} that landing and sync ask for", *(f"without {one.name} {one.without}" for one in missing)])


def granted(connection: Connection) -> frozenset[str] | None:
    """The scopes that came with a grant in the browser; None for credentials of another kind."""
    manners = VENDORS.get(connection.vendor)
    source = connection.source(manners.secret) if manners else None
    if source is None or source.kind != "oauth" or connection.workdir is None:
        return None
    grant = Grants(connection.workdir).get(connection.id)
    return frozenset(grant.scopes) if grant and grant.scopes else None
