"""Which documents share an import job: an import may put all its profiles on one list, and then nobody need be joined to it.

The documents go into the least number of jobs that hold them, arranged so that as many joinings as possible are carried.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from mailhouse.destinations.base import Change
from mailhouse.destinations.klaviyo import wire
from mailhouse.destinations.klaviyo.limits import JOB_BYTES, JOB_ROWS, MEMBER_ROWS, PROFILE_BYTES

# of a job beside its profiles: the brackets around them and the list
ENVELOPE_BYTES = 512
# up to so many jobs more than one arrangement is tried
FEW_JOBS = 20


@dataclass(frozen=True)
class Room:
    """What fits into one call."""

    job_rows: int = JOB_ROWS
    job_bytes: int = JOB_BYTES - ENVELOPE_BYTES
    member_rows: int = MEMBER_ROWS


@dataclass(frozen=True, slots=True)
class Sized:
    """A document and the bytes of its profile in a job."""

    change: Change
    bytes: int


@dataclass(frozen=True)
class Job:
    """Documents that share a job; all of them join `list_name`, '' for no list."""

    list_name: str
    documents: list[Sized]


def jobs(written: Sequence[Change], joining: Mapping[str, int], room: Room) -> list[Job]:
    """The documents to write in the least number of jobs; `joining` is how many people join each list, written or not."""
    if not written:
        return []
    documents = _sized(written, room)
    total, largest = sum(one.bytes for one in documents), max(one.bytes for one in documents)
    alike: dict[tuple[str, ...], list[Sized]] = defaultdict(list)
    for one in documents:
        alike[one.change.add].append(one)
    least = max(ceil(len(documents) / room.job_rows), ceil(total / room.job_bytes))
    while True:
        arrangement = _arranged(alike, least, largest, joining, room)
        # profiles of very different sizes may need one job more than their sum does
        if all(_fits(job.documents, room) for job in arrangement):
            return arrangement
        least += 1


def _sized(written: Sequence[Change], room: Room) -> list[Sized]:
    """With bytes, measured only where they could matter; a profile too large for any job is refused later and takes no room."""
    # no text grows by more than this when it is quoted
    bounds = [6 * (len(change.fields) + len(change.address)) + 300 for change in written]
    if max(bounds) * min(room.job_rows, len(written)) <= room.job_bytes:
        return [Sized(change, 0) for change in written]
    sizes = [wire.size(change) for change in written]
    # one more for the comma between two profiles
    return [Sized(change, 0 if size > PROFILE_BYTES else size + 1) for change, size in zip(written, sizes, strict=True)]


def _fits(documents: Sequence[Sized], room: Room) -> bool:
    return len(documents) <= room.job_rows and sum(one.bytes for one in documents) <= room.job_bytes


def _arranged(
    alike: Mapping[tuple[str, ...], Sequence[Sized]], most: int, largest: int, joining: Mapping[str, int], room: Room
) -> list[Job]:
    """The best of a few greedy arrangements, which differ in the list that is served first."""
    names = sorted({name for add in alike for name in add})
    firsts = ["", *names] if 1 < most <= FEW_JOBS and len(names) > 1 else [""]
    tried = [_Arranging(alike, most, largest, joining, room) for _ in firsts]
    made = [(one.jobs(first), one.joinings()) for one, first in zip(tried, firsts, strict=True)]
    return min(made, key=lambda pair: pair[1])[0]


class _Arranging:
    """Fills job after job with documents that join one list, the list first that saves the most calls.

    A choice is made only if what is left surely fits into the jobs that are left. Documents that join the same lists may
    stand in for each other, so those are counted and not looked at one by one. It is a greedy way: with three and more lists
    of overlapping people and several jobs a better arrangement may exist.
    """

    def __init__(
        self,
        alike: Mapping[tuple[str, ...], Sequence[Sized]],
        most: int,
        largest: int,
        joining: Mapping[str, int],
        room: Room,
    ) -> None:
        self._alike, self._jobs_left, self._largest, self._room = alike, most, largest, room
        self._joining = dict(joining)
        self._used = dict.fromkeys(alike, 0)
        self._rows = sum(len(some) for some in alike.values())
        self._bytes = sum(one.bytes for some in alike.values() for one in some)

    def jobs(self, first: str) -> list[Job]:
        """All documents in jobs, the first of which carries the list `first` if it can."""
        made: list[Job] = []
        while self._jobs_left and (best := self._best(first if not made else "")):
            name, counts = best
            documents = [one for add, count in counts.items() for one in self._next(add, count)]
            self._rows -= len(documents)
            self._bytes -= sum(one.bytes for one in documents)
            self._joining[name] -= len(documents)
            self._jobs_left -= 1
            for add, count in counts.items():
                self._used[add] += count
            made.append(Job(name, sorted(documents, key=lambda one: one.change.key)))
        rest = [one for add in self._alike for one in self._next(add, None)]
        rest.sort(key=lambda one: one.change.key)
        return made + [Job("", part) for part in _dealt(rest, self._jobs_left, self._room)]

    def joinings(self) -> int:
        """Calls that are left to make for those whom no job puts on their list."""
        return sum(ceil(left / self._room.member_rows) for left in self._joining.values())

    def _next(self, add: tuple[str, ...], count: int | None) -> Sequence[Sized]:
        used = self._used[add]
        return self._alike[add][used : None if count is None else used + count]

    def _best(self, wanted: str) -> tuple[str, dict[tuple[str, ...], int]] | None:
        """A list and how many of which documents share a job that carries it."""
        names = sorted({name for add, some in self._alike.items() for name in add if self._used[add] < len(some)})
        possible = [(name, counts) for name in names if (counts := self._counts(name))]
        at_will = [pair for pair in possible if pair[0] == wanted]
        return max(
            at_will or possible,
            key=lambda pair: (self._saved(pair[0], sum(pair[1].values())), sum(pair[1].values())),
            default=None,
        )

    def _counts(self, name: str) -> dict[tuple[str, ...], int] | None:
        """The fullest job of people who join a list, those first who could not do much for other lists."""
        able = sorted((add for add in self._alike if name in add), key=lambda add: (len(add), add))
        counts: dict[tuple[str, ...], int] = {}
        rows, filled = 0, 0
        for add in able:
            there = len(self._alike[add]) - self._used[add]
            count = min(there, self._room.job_rows - rows)
            weight = sum(one.bytes for one in self._next(add, count)) if self._bytes else 0
            while filled + weight > self._room.job_bytes:
                count -= 1
                weight -= self._alike[add][self._used[add] + count].bytes
            if count:
                counts[add] = count
                rows, filled = rows + count, filled + weight
        # wherever the others are cut, a job may stay unfilled by the largest of them
        others = self._jobs_left - 1
        fits = self._rows - rows <= others * self._room.job_rows
        fits = fits and self._bytes - filled <= others * max(0, self._room.job_bytes - self._largest)
        return counts if fits else None

    def _saved(self, name: str, count: int) -> int:
        """Calls that need not be made for the list when so many people join it by their job."""
        joining, rows = self._joining[name], self._room.member_rows
        return ceil(joining / rows) - ceil((joining - count) / rows)


def _dealt(documents: Sequence[Sized], parts: int, room: Room) -> list[list[Sized]]:
    """At most so many parts: in order where that fits, else dealt out from the largest so that all weigh the same."""
    if not documents:
        return []
    if parts < 1:
        return [list(documents)]
    sliced = [list(documents[start : start + room.job_rows]) for start in range(0, len(documents), room.job_rows)]
    if len(sliced) <= parts and all(_fits(part, room) for part in sliced):
        return sliced
    heaviest = sorted(documents, key=lambda one: (-one.bytes, one.change.key))
    return [sorted(heaviest[start::parts], key=lambda one: one.change.key) for start in range(min(parts, len(heaviest)))]
