"""An account's profiles with what they agreed to, oldest change first."""

import re
from collections.abc import Iterator, Mapping

from ingestion.cursor import Cursor
from ingestion.fields import Fields
from ingestion.klaviyo import settings
from ingestion.klaviyo.account import Account, Record, stamp


def profile_fields(custom: Mapping[str, str]) -> Fields:
    """The columns of `profiles`, the account's own fields that are listed included."""
    return settings.PROFILES.with_custom(custom, lambda name: f"attributes.properties.{name}")


def profiles(account: Account, fields: Fields, lag: int) -> Iterator[list[Record]]:
    """Profiles changed since the cursor less `lag` seconds, and those suppressed since; moves the cursor."""
    cursor = Cursor("profiles", [fields])
    since = None if cursor.is_first else cursor.since(lag)
    changed = f"greater-than(updated,{stamp(since)})" if since else None
    for page in account.pages(settings.GET_PROFILES, _query("updated", changed)):
        yield [_with_names(profile) for profile in page]
        cursor.reach(account.moment(page[-1], "updated"))
    if since is not None:
        # nothing promises that a suppression counts as a change of the profile, and none may be missed
        suppressed = f"greater-or-equal({settings.SUPPRESSED},{stamp(since)})"
        for page in account.pages(settings.GET_PROFILES, _query(settings.SUPPRESSED, suppressed)):
            yield [_with_names(profile) for profile in page]


def _query(sort: str, condition: str | None) -> Record:
    query: Record = {"page[size]": settings.PROFILES_PAGE, "sort": sort, "additional-fields[profile]": "subscriptions"}
    return query if condition is None else {**query, "filter": condition}


def _with_names(profile: Record) -> Record:
    """The account's own fields under names a column can have: `Favourite Colour` is also `favourite_colour`."""
    attributes = profile.get("attributes")
    properties = attributes.get("properties") if isinstance(attributes, Mapping) else None
    if not isinstance(properties, Mapping) or not properties:
        return profile
    named = {re.sub(r"\W+", "_", name.strip()).lower(): value for name, value in properties.items()} | dict(properties)
    return {**profile, "attributes": {**attributes, "properties": named}}
