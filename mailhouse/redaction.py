"""Keeps people and secrets out of what is logged and raised."""

import re

import duckdb

LONGEST = 200
# the engine's errors about a value quote it; those about a name quote the name, which whoever mends it must see
ABOUT_VALUES = (
    *(duckdb.ConversionException, duckdb.ConstraintException, duckdb.InvalidInputException, duckdb.OutOfRangeException),
    *(duckdb.TypeMismatchException, duckdb.InvalidTypeException),
)

_ADDRESS = re.compile(r"[^\s@<>\"'(),;:]+(?:@|%40)[^\s@<>\"'(),;:]+")
_DIGITS = re.compile(r"\+?\d[\d \-()]{7,}\d")
_QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")


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


def without_values(error: duckdb.Error) -> str:
    """What the engine says of an error, without values of rows; names of tables and columns stay where they are the matter."""
    text = str(error)
    if isinstance(error, ABOUT_VALUES):
        # below the first line stand the statement, or the value once more
        text = _QUOTED.sub("'…'", text.split("\n", 1)[0])
    return _DIGITS.sub("<number>", _ADDRESS.sub("<address>", text))


def in_one_line(error: Exception) -> str:
    """An error as it is told in one line: ours as it is, the engine's without values, the system's with its file."""
    if isinstance(error, duckdb.Error):
        said = " ".join(without_values(error).split())
        return f"the warehouse refused: {said[:LONGEST]}; nothing half-done is kept, run again with --debug to see more"
    if isinstance(error, OSError):
        what = error.strerror or type(error).__name__
        return f"{error.filename or 'a file'}: {what}; look at the disk and the file's owner"
    return str(error)
