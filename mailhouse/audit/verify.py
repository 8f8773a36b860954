"""Whether the audit trail is as it was written: every entry, their order, and that none is missing at its end."""

from dataclasses import dataclass

from mailhouse.audit.trail import BEGINNING, Trail


@dataclass(frozen=True)
class Verdict:
    """How many entries were looked at, and what is wrong, in words; nothing when the trail is whole."""

    entries: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(trail: Trail) -> Verdict:
    """Walk the chain from its beginning, and hold its end against the head. Raises StateUnreadable.

    An end beyond the head is whole: the process that wrote it died before it told the head, and the next append tells it.
    """
    problems: list[str] = []
    count, prev, hashes = 0, BEGINNING, {}
    for count, entry in enumerate(trail.entries(), start=1):
        if entry.seq != count:
            problems.append(f"entry {count}: stands as number {entry.seq}; entries are missing, or were put in")
        if entry.prev_hash != prev:
            problems.append(f"entry {entry.seq}: does not follow from the one before it")
        if entry.hash != entry.expected_hash:
            problems.append(f"entry {entry.seq}: is not as it was written")
        prev = entry.hash
        hashes[entry.seq] = entry.hash
        if problems:
            break  # whatever comes behind a break follows from it
    problems += _end(trail, count, hashes) if not problems else []
    return Verdict(count, tuple(problems))


def _end(trail: Trail, count: int, hashes: dict[int, str]) -> list[str]:
    try:
        head = trail.head()
    except ValueError:
        return [f"{trail.head_path.name}: damaged, so nobody can tell whether the trail was cut; keep a copy of both files"]
    if head is None:
        return [f"{trail.head_path.name}: not there, so nobody can tell whether the trail was cut"] if count else []
    seq, told = head
    if seq not in hashes:
        return [f"the head tells of entry {seq}, and the trail ends with {count}: its end was cut off"]
    return [] if hashes[seq] == told else [f"entry {seq}: is not the one that the head tells of"]
