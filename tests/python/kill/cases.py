"""The kill matrix: where a sync is killed, on which ESP, while which fault strikes, and where its recovery is killed too."""

from dataclasses import dataclass
from typing import Any

WRITES = {
    "mailchimp": ("POST", "/lists/"),
    "klaviyo": ("POST", "/api/profile-bulk-import-jobs"),
    "sendgrid": ("PUT", "/v3/marketing/contacts"),
    "hubspot": ("POST", "/contacts/batch/upsert"),
}
FAULTS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "429 storm": {"do": "429", "times": 3, "retry_after": 2},
    "5xx": {"do": "503", "times": 2},
    "timeout before": {"do": "timeout_before", "seconds": 1.5},
    "timeout after": {"do": "timeout_after_apply", "seconds": 1.5},
    "reset": {"do": "reset"},
    "html": {"do": "html200"},
    "truncated": {"do": "truncated"},
    "partial": {"do": "partial"},
    "wrong count": {"do": "wrong_count"},
    "expired token": {"do": "401", "nth": 2, "times": None},
}
NAMED = ("sync.before_send", "sync.sending", "sync.after_accept", "sync.recorded")
JOBS = ("sync.job_accepted", "sync.job_remembered")
STATE = ("journal.writing", "journal.written", "journal.committed")
IN_RECOVERY = ("sync.after_accept#1", "journal.written#4", "journal.committed#5")


@dataclass(frozen=True)
class Case:
    """One kill, and (`then`) another during the recovery."""

    vendor: str
    fault: str
    point: str
    then: str = ""

    @property
    def name(self) -> str:
        return " · ".join(part for part in (self.vendor, self.fault, self.point, self.then) if part)


def points(vendor: str) -> list[str]:
    named = [f"{name}#{nth}" for name in NAMED for nth in (1, 3)]
    jobs = [f"{name}#{nth}" for name in JOBS for nth in (1, 2)] if vendor in ("klaviyo", "sendgrid") else []
    return named + jobs + [f"{name}#{nth}" for name in STATE for nth in (1, 2, 4, 6, 8, 11)]


def matrix() -> list[Case]:
    """Every case, in a fixed order."""
    single = [Case(vendor, fault, point) for vendor in WRITES for fault in FAULTS for point in points(vendor)]
    double = [
        Case(vendor, fault, point, then)
        for vendor in WRITES
        for fault in ("none", "timeout after")
        for point in (*points(vendor)[:6], "journal.written#6")
        for then in IN_RECOVERY
    ]
    return single + double


def named(cases: list[Case]) -> set[str]:
    """Every vendor, fault, point and point of the recovery that is among these."""
    return {name for case in cases for name in (case.vendor, case.fault, case.point.split("#")[0], f"then {case.then}")}


def chosen(count: int) -> list[Case]:
    """So many of them, spread over the whole, with everything that has a name among them and each ESP a few times."""
    every = matrix()
    for step in range(len(every) // count, len(every)):
        # a step that shares no factor with the lengths of the lists goes through all of their combinations
        if all(step % prime for prime in (2, 3, 5, 7, 11, 13)):
            cases = [every[number * step % len(every)] for number in range(count)]
            fair = min(sum(case.vendor == vendor for case in cases) for vendor in WRITES) >= count // (2 * len(WRITES))
            if fair and named(cases) == named(every):
                return cases
    raise ValueError(f"{count} cases are too few to come across everything")
