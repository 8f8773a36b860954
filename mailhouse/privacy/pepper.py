"""The key of the tombstones: without it nobody can tell from them who was erased."""

import os
import secrets

from mailhouse.errors import ConfigurationError, StateUnreadable
from mailhouse.settings import Settings

LENGTH = 32  # bytes


def pepper_of(settings: Settings) -> bytes:
    """The pepper: of the environment (MAILHOUSE_PEPPER), else of the work directory's own file, which is made with the first.

    Raises ConfigurationError for one that is too short, StateUnreadable for a file that cannot be used.
    """
    if settings.pepper is not None:
        given = settings.pepper.encode()
        if len(given) < LENGTH:
            raise ConfigurationError(f"MAILHOUSE_PEPPER: has {len(given)} bytes; give it {LENGTH} random ones or more")
        return given
    try:
        if not settings.pepper_path.exists():
            _make(settings)
        text = settings.pepper_path.read_text(encoding="ascii").strip()
        pepper = bytes.fromhex(text)
    except (OSError, ValueError) as error:
        raise StateUnreadable(
            f"{settings.pepper_path}: cannot be used; put it back as it was, or nobody erased is known"
        ) from error
    if len(pepper) < LENGTH:
        raise StateUnreadable(f"{settings.pepper_path}: is cut short; put it back as it was, or nobody erased is known")
    return pepper


def _make(settings: Settings) -> None:
    settings.workdir.mkdir(parents=True, exist_ok=True)
    fresh = settings.pepper_path.with_suffix(f".{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
        out.write(secrets.token_hex(LENGTH) + "\n")
        out.flush()
        os.fsync(out.fileno())
    try:
        # of two that make one at once the first stays
        os.link(fresh, settings.pepper_path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
