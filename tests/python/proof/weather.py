"""The circumstances of one run: faults, deaths, pauses, missing approvals, unusable consent, models that were not built."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from mailhouse import controls, sync
from tests.python.proof.company import SEGMENTS
from tests.python.proof.engine import DESTINATIONS, MEANT
from tests.python.proof.faults import DEATHS, Faults, storm
from tests.python.proof.life import Life

# where a process can die, beside the middle of a call
POINTS = (
    *("sync.before_send", "sync.sending", "sync.after_accept", "sync.recorded", "sync.job_accepted", "sync.job_remembered"),
    *("journal.writing", "journal.written", "journal.committed", "state", "state", "esp.waits"),
)


@dataclass
class Weather:
    """The circumstances of one run; `says` names what is bad about them.

    `held_back`: segments and why; `paused`: what an operator paused; `closed_by`: why consent cannot be relied on;
    `emptied`: segments whose model has lost everybody; `sealed`: the plan that the run is held to.
    """

    life: Life = field(default_factory=Life)
    faults: Faults | None = None
    approval: sync.Approval | None = MEANT
    held_back: Mapping[str, str] = field(default_factory=dict)
    paused: str = ""
    closed_by: str = ""
    is_built: bool = True
    somebody_refuses: bool = True
    sealed: Path | None = None
    was_refused: bool = False
    emptied: set[str] = field(default_factory=set)
    says: list[str] = field(default_factory=list)

    @property
    def frozen(self) -> set[str]:
        """Segments that surely move nobody."""
        paused = set(SEGMENTS) if self.paused == controls.ALL else {self.paused} & set(SEGMENTS)
        return paused | set(self.held_back)


def random_weather(random: Random) -> Weather:
    """Bad weather of some kind, or of several."""
    drawn, weather = random.random, Weather()
    if drawn() < 0.15:
        weather.is_built = False
        weather.says.append("not built")
    if drawn() < 0.1:
        weather.closed_by = random.choice(("no table", "stale", "no inbox"))
        weather.says.append(f"consent: {weather.closed_by}")
    if drawn() < 0.15:
        weather.paused = random.choice((controls.ALL, *DESTINATIONS, *SEGMENTS))
        weather.says.append("paused")
    if drawn() < 0.15:
        weather.held_back = {random.choice(SEGMENTS): "a test of it failed"}
        weather.says.append("held back")
    if drawn() < 0.3:
        weather.approval = None
        weather.says.append("not approved")
    if drawn() < 0.1:
        weather.emptied = {random.choice(SEGMENTS)}
        weather.says.append("a model is empty")
    if drawn() < 0.6:
        weather.faults = storm(random, DESTINATIONS, frozenset({"klaviyo", "sendgrid"}))
        weather.says.append("faults")
    if drawn() < 0.5:
        weather.life = Life(random.choice(POINTS), random.choice((1, 2, 3, 5, 8, 20)))
    elif drawn() < 0.3:
        weather.faults = weather.faults or Faults(random)
        place = (random.choice(DESTINATIONS), random.randint(1, 8))
        weather.faults.calls[place] = random.choice(DEATHS)
    return weather
