"""Pauses: what an operator has stopped by hand. They live beside the warehouse, because a running sync holds that."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mailhouse.errors import ConfigurationError
from mailhouse.settings import Settings
from mailhouse.sqlite import opened

ALL = "all"
SCHEMA = """
create table if not exists pauses (
    name text not null, paused_at text not null, reason text not null, resumed_at text,
    primary key (name, paused_at)
)
"""
IN_FORCE = "select name, paused_at, reason from pauses where resumed_at is null order by paused_at, name"


@dataclass(frozen=True)
class Pause:
    """A pause in force: `name` is `all`, a destination or a segment; `since` is UTC; `reason` is the operator's own."""

    name: str
    since: datetime
    reason: str

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.name} is paused since {self.since:%Y-%m-%d %H:%M} UTC{why}; `mailhouse resume {self.name}` ends it"


def paused(settings: Settings, destination: str, segments: Iterable[str]) -> str | None:
    """Why nothing of these segments may go to that destination just now, or None; to be asked before every batch.

    A pause never holds a withdrawal, nor a removal that consent causes: whoever sends those does not ask.
    Raises StateUnreadable when it cannot be known, and then nothing may be sent.
    """
    names = {ALL, destination, *segments}
    return next((str(pause) for pause in in_force(settings) if pause.name in names), None)


def in_force(settings: Settings) -> list[Pause]:
    """Every pause that nobody has ended yet, the oldest first."""
    if not settings.controls_path.exists():
        return []
    with opened(settings.controls_path, SCHEMA) as file:
        rows = file.execute(IN_FORCE).fetchall()
    return [Pause(name, datetime.fromisoformat(since), reason) for name, since, reason in rows]


def pause(settings: Settings, name: str, reason: str, now: datetime) -> Pause:
    """Stop `all`, a destination or a segment; what is paused already stays so, with its first reason.

    Raises ConfigurationError when nothing is called so.
    """
    _known(settings, name)
    with opened(settings.controls_path, SCHEMA) as file:
        file.execute(
            "insert into pauses (name, paused_at, reason) select ?, ?, ?"
            " where not exists (select 1 from pauses where name = ? and resumed_at is null)",
            [name, now.isoformat(), " ".join(reason.split()), name],
        )
    return next(pause for pause in in_force(settings) if pause.name == name)


def resume(settings: Settings, name: str, now: datetime) -> bool:
    """End the pause of that name, and of that name only; False when there was none. Raises ConfigurationError."""
    names = {pause.name for pause in in_force(settings)}
    if name not in names:
        _known(settings, name)
        return False
    with opened(settings.controls_path, SCHEMA) as file:
        file.execute("update pauses set resumed_at = ? where name = ? and resumed_at is null", [now.isoformat(), name])
    return True


def _known(settings: Settings, name: str) -> None:
    segments = {path.stem for path in (settings.project / "models" / "segments").rglob("*.sql")}
    if name == ALL or name in settings.connections or name in segments:
        return
    known = ", ".join([*sorted(settings.connections), *sorted(segments)])
    raise ConfigurationError(f"{name}: neither a destination nor a segment; say all, or one of {known}")
