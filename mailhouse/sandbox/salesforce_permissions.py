"""What the user that Salesforce's app runs as may not do: objects that it does not see, fields that it may not edit."""

from mailhouse.sandbox.salesforce_objects import SObject
from mailhouse.sandbox.store import Store

# of the state: {"hidden": ["Case"], "read_only": ["Contact.HasOptedOutOfEmail"]}; everything is allowed that it does not name
PERMISSIONS = "salesforce.permissions"


def is_hidden(store: Store, of: SObject) -> bool:
    """Whether the user sees nothing of the object."""
    return of.name in _said(store, "hidden")


def read_only(store: Store, of: SObject) -> frozenset[str]:
    """The fields of the object that the user may read and not write."""
    return frozenset(name for kind, _, name in (one.partition(".") for one in _said(store, "read_only")) if kind == of.name)


def _said(store: Store, what: str) -> list[str]:
    return (store.meta_get(PERMISSIONS) or {}).get(what, [])
