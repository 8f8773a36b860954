"""The purposes that there are, as seeds/consent_purposes.csv lists them."""

import csv
from pathlib import Path

from mailhouse.errors import ConfigurationError

SEED = Path("seeds") / "consent_purposes.csv"


def known_purposes(project: Path) -> dict[str, str]:
    """Purpose -> what a person agrees to. Raises ConfigurationError when the seed is not there or not readable as one."""
    path = project / SEED
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            return {row["purpose"]: row["meaning"] for row in csv.DictReader(lines)}
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path}: cannot be read; restore it, with the columns purpose and meaning") from error


def check_purpose(project: Path, purpose: str, where: str) -> None:
    """Raise ConfigurationError when `where` (how the reader finds it) names a purpose that there is not."""
    known = known_purposes(project)
    if purpose not in known:
        raise ConfigurationError(f"{where}: {purpose!r} is no purpose of {SEED}; known are {', '.join(sorted(known))}")
