"""Keeps people and secrets out of what is logged and raised."""

import re

LONGEST = 200

_ADDRESS = re.compile(r"[^\s@<>\"'(),;:]+(?:@|%40)[^\s@<>\"'(),;:]+")
_DIGITS = re.compile(r"\+?\d[\d \-()]{7,}\d")


def redacted(text: str, secrets: tuple[str, ...] = ()) -> str:
    """The text without addresses, phone numbers and the given secrets, cut to 200 characters."""
    text = _DIGITS.sub("<number>", _ADDRESS.sub("<address>", without(text, secrets)))
    return " ".join(text.split())[:LONGEST]


def without(text: str, secrets: tuple[str, ...]) -> str:
    """The text without the given secrets."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "<secret>")
    return text
