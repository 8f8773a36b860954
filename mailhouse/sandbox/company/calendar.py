"""When things happened: the bounds of the company's history and the form of its times."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

YEARS_OF_HISTORY = 3
LAST_ORDER_DAY = date(2026, 9, 30)  # fixed, so that the same seed is the same company on every day
MORNING = time(6, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Calendar:
    """From the company's first day to its present; all UTC, `now` itself has not happened yet."""

    first: datetime
    now: datetime

    @classmethod
    def ending(cls, last_order_day: date, first: datetime | None = None) -> "Calendar":
        """The present is 06:00 on the day after the last order."""
        now = datetime.combine(last_order_day + timedelta(days=1), MORNING)
        return cls(first or now - timedelta(days=365 * YEARS_OF_HISTORY), now)

    @property
    def last_order_end(self) -> datetime:
        """The midnight that ends the last order day."""
        return self.now.replace(hour=0, minute=0)

    def capped(self, moment: datetime) -> datetime:
        """The moment itself, or a little before the present when it would lie in the future."""
        return min(moment, self.now - timedelta(minutes=1))


def iso(moment: datetime) -> str:
    """ISO 8601 with milliseconds and `Z`; the moment must be UTC."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def between(rng: Random, start: datetime, end: datetime) -> datetime:
    """A whole second in [start, end); `start` itself when the two leave no room."""
    seconds = int((end - start).total_seconds())
    return start + timedelta(seconds=int(rng.random() * seconds)) if seconds > 0 else start


def some_days_later(rng: Random, moment: datetime, mean_days: float) -> datetime:
    """Exponentially distributed, to the second."""
    return moment + timedelta(seconds=int(rng.expovariate(1 / mean_days) * 86_400) + 1)
