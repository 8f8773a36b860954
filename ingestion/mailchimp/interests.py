"""What members of a list said they are interested in: the categories, the interests, and each member's choice."""

from collections.abc import Iterable, Iterator
from typing import Any

from ingestion.fields import Fields
from ingestion.mailchimp import settings
from ingestion.mailchimp.account import Account

Record = dict[str, Any]


def pages(account: Account, lists: Iterable[str]) -> Iterator[tuple[Fields, list[Record]]]:
    """The categories of each list with their interests; there are few, and all are read each time."""
    for list_id in lists:
        path = f"/lists/{list_id}/interest-categories"
        for categories in account.pages(path, "categories"):
            yield settings.INTEREST_CATEGORIES, [{**one, "list_id": list_id} for one in categories]
            for category in categories:
                for interests in account.pages(f"{path}/{category['id']}/interests", "interests"):
                    named = {"list_id": list_id, "category_id": category["id"]}
                    yield settings.INTERESTS, [{**one, **named} for one in interests]


def choices(members: Iterable[Record]) -> list[Record]:
    """One row a member and interest of the list, chosen or not: what was given up must not stay chosen."""
    return [
        {**{name: member.get(name) for name in ("list_id", "id", "last_changed")}, "interest_id": one, "is_chosen": chosen}
        for member in members
        for one, chosen in (member.get("interests") or {}).items()
    ]
