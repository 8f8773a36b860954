"""What is true of e-mail consent in Klaviyo, whoever changes it: the jobs of a caller, or the company's own days."""

from typing import Any

from mailhouse.sandbox.klaviyo_profiles import UNSUBSCRIBED, ProfileRefused
from mailhouse.sandbox.klaviyo_writes import People
from mailhouse.sandbox.store import Row

MOST_PROFILES = 100  # in a call that takes something away
PROFILES = "/data/attributes/profiles/data"


def suppress(marketing: dict[str, Any], reason: str, moment: str) -> bool:
    """Adds a suppression; whether it was not there."""
    if any(one["reason"] == reason for one in marketing["suppression"]):
        return False
    marketing["suppression"] = [*marketing["suppression"], {"reason": reason, "timestamp": moment}]
    marketing["last_updated"] = moment
    return True


def unsubscribe(marketing: dict[str, Any], moment: str, method: str = "API") -> None:
    """Consent ends everywhere."""
    if marketing["consent"] != UNSUBSCRIBED:
        marketing |= {"consent": UNSUBSCRIBED, "consent_timestamp": moment, "last_updated": moment, "method": method}
    suppress(marketing, "UNSUBSCRIBE", moment)


def suppress_by_hand(marketing: dict[str, Any], now: str) -> bool:
    """What the suppression job does to one profile."""
    return suppress(marketing, "USER_SUPPRESSED", now)


def unsuppress_by_hand(marketing: dict[str, Any], now: str) -> bool:
    """What the unsuppression job does: it lifts what was suppressed by hand and nothing else."""
    kept = [one for one in marketing["suppression"] if one["reason"] != "USER_SUPPRESSED"]
    if len(kept) == len(marketing["suppression"]):
        return False
    marketing |= {"suppression": kept, "last_updated": now}
    return True


def found_or_made(people: People, given: list[dict[str, Any]], *, make: bool = True) -> list[tuple[Row, dict[str, Any]]]:
    """The profile of each of those given; one that nobody has is made with its address and no consent."""
    found = []
    for profile in given:
        row = people.find(profile)
        if row is None and make and not profile.get("id"):
            address = profile["attributes"].get("email")
            try:
                row = people.write({"attributes": {"email": address}}, None)
            except ProfileRefused:
                continue  # no address: another channel's business
        if row is not None:
            found.append((row, profile))
    return found
