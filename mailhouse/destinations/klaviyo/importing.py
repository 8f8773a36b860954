"""Import jobs: sent, waited for, and their answer mapped to the profiles they carried."""

from collections.abc import Callable, Sequence
from urllib.parse import quote

from mailhouse.destinations.base import Call, Change, Outcome
from mailhouse.destinations.isolating import RefusedWhole
from mailhouse.destinations.klaviyo import wire
from mailhouse.destinations.klaviyo.isolating import REFUSED, refused_whole
from mailhouse.destinations.klaviyo.limits import PAGE, PROFILE_BYTES
from mailhouse.destinations.klaviyo.reading import finished, pages
from mailhouse.errors import MalformedAnswer, VendorUnreachable
from mailhouse.http import HttpClient, OutcomeUnknown

KIND = "profile-bulk-import-jobs"
PATH = f"/api/{KIND}"
ERRORS = f"{PATH}/{{id}}/import-errors"


async def send(client: HttpClient, call: Call, list_ids: Sequence[str], remember: Callable[[str], None]) -> list[Outcome]:
    """One job and what became of each of its profiles. Raises RefusedWhole, OutcomeUnknown, VendorUnreachable."""
    changes, outcomes = within_size(call.changes)
    if not changes:
        return outcomes
    answer = await client.write("POST", PATH, PATH, wire.job(changes, list_ids))
    if answer.status in REFUSED:
        raise refused_whole(client, answer, changes)
    if answer.status != 202:
        raise MalformedAnswer(f"{client.name}: POST {PATH}: {client.detail(answer)}; look there, run again")
    data = answer.body.get("data") if isinstance(answer.body, dict) else None
    job_id = data.get("id") if isinstance(data, dict) else None
    if not isinstance(job_id, str) or not job_id:
        raise OutcomeUnknown(f"{client.name}: POST {PATH}: a job without an id in the answer; it is read back")
    remember(job_id)
    return outcomes + await outcomes_of(client, job_id, changes)


def within_size(changes: Sequence[Change]) -> tuple[list[Change], list[Outcome]]:
    """The changes whose profiles Klaviyo takes, and the refusal of those that are too large for it."""
    fitting: list[Change] = []
    refused: list[Outcome] = []
    for change in changes:
        # no text grows by more than this when it is quoted
        if 6 * (len(change.fields) + len(change.address)) > PROFILE_BYTES and wire.size(change) > PROFILE_BYTES:
            refused.append(Outcome(change.key, "rejected", "too_large", f"the profile is larger than {PROFILE_BYTES:,} bytes"))
        else:
            fitting.append(change)
    return fitting, refused


async def outcomes_of(client: HttpClient, job_id: str, changes: Sequence[Change]) -> list[Outcome]:
    """Wait for a job. Raises RefusedWhole when it was cancelled, OutcomeUnknown when its figures contradict each other."""
    job = await finished(client, KIND, job_id)
    if job["status"] == "cancelled":
        raise RefusedWhole("cancelled", "the import job was cancelled")
    total, failed, completed = (job.get(f"{name}_count") for name in ("total", "failed", "completed"))
    if not isinstance(total, int) or not isinstance(failed, int) or total != len(changes):
        raise OutcomeUnknown(f"{client.name}: job {job_id} counts other profiles than were sent; they are read back")
    if isinstance(completed, int) and completed not in (total, total - failed):
        raise OutcomeUnknown(f"{client.name}: job {job_id} is complete and has not done all; its profiles are read back")
    if not failed:
        return [Outcome(change.key, "accepted") for change in changes]
    errors = await _errors(client, job_id)
    refused = wire.failed_rows(changes, errors)
    if refused is None or len(refused) != failed:
        raise OutcomeUnknown(f"{client.name}: job {job_id} does not say which profiles it refused; they are read back")
    return [
        wire.refusal(change.key, refused[change.key]) if change.key in refused else Outcome(change.key, "accepted")
        for change in changes
    ]


async def _errors(client: HttpClient, job_id: str) -> list[dict]:
    try:
        found = await pages(client, f"{PATH}/{quote(job_id)}/import-errors", ERRORS, {"page[size]": PAGE})
    except (VendorUnreachable, MalformedAnswer) as error:
        raise OutcomeUnknown(f"{client.name}: the errors of job {job_id} cannot be read ({error}); its profiles are") from error
    return [dict(one) for one in found]
