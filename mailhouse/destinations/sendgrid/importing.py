"""Upserts: sent, waited for, and the answer of their job mapped to the contacts they carried."""

from collections.abc import Mapping, Sequence

from mailhouse.destinations.base import Call, Change, Outcome
from mailhouse.destinations.isolating import RefusedWhole
from mailhouse.destinations.jobs import Remember, not_remembered
from mailhouse.destinations.keys import normal
from mailhouse.destinations.sendgrid import wire
from mailhouse.destinations.sendgrid.limits import CONTACTS, LONGEST_ADDRESS
from mailhouse.destinations.sendgrid.reading import by_address, fetched, finished
from mailhouse.destinations.sendgrid.wire import Definition
from mailhouse.errors import MailhouseError, MalformedAnswer
from mailhouse.http import HttpClient, OutcomeUnknown

# what says that a call cannot be taken as it is
REFUSED = (400, 404, 413, 422)


class Importing:
    """Sends upserts with the account's fields and the lists that their contacts join."""

    def __init__(self, client: HttpClient, definitions: Mapping[str, Definition], list_ids: Sequence[str]) -> None:
        self._client, self._definitions, self._list_ids = client, definitions, list_ids

    async def send(self, call: Call, remember: Remember) -> list[Outcome]:
        """One upsert and what became of each contact. Raises RefusedWhole, OutcomeUnknown, VendorUnreachable."""
        changes, outcomes = within_size(call.changes)
        if not changes:
            return outcomes
        said = await self._upsert(changes, {}, remember)
        return outcomes + await self._with_identifiers(changes, said)

    async def _upsert(
        self, changes: Sequence[Change], identifiers: Mapping[str, dict[str, str]], remember: Remember
    ) -> list[Outcome]:
        contacts = (wire.contact(change, self._definitions, identifiers.get(change.key)) for change in changes)
        answer = await self._client.write("PUT", CONTACTS, CONTACTS, wire.upsert(contacts, self._list_ids))
        if answer.status in REFUSED:
            raise RefusedWhole(f"http_{answer.status}", self._client.detail(answer), status=answer.status)
        if answer.status != 202:
            raise MalformedAnswer(f"{self._client.name}: PUT {CONTACTS}: {self._client.detail(answer)}; look there, run again")
        job_id = answer.body.get("job_id") if isinstance(answer.body, dict) else None
        if not isinstance(job_id, str) or not job_id:
            raise OutcomeUnknown(f"{self._client.name}: PUT {CONTACTS}: a job without an id in the answer; it is read back")
        remember(job_id)
        return await outcomes_of(self._client, job_id, changes)

    async def _with_identifiers(self, changes: Sequence[Change], said: list[Outcome]) -> list[Outcome]:
        """Once more, with all that tells SendGrid who they are, those refused who have more than an address there."""
        refused = {outcome.key for outcome in said if outcome.status == "rejected"}
        if not refused:
            return said
        asked = [change for change in changes if change.key in refused]
        found = await by_address(self._client, [change.address for change in asked])
        identifiers = {key: other for key, contact in found.items() if (other := wire.other_identifiers(contact))}
        again = [change for change in asked if change.key in identifiers]
        if not again:
            return said
        try:
            # whoever takes over from here reads the first job, and finds these refused
            second = await self._upsert(again, identifiers, not_remembered)
        except RefusedWhole:
            return said
        return [outcome for outcome in said if outcome.key not in identifiers] + second


def within_size(changes: Sequence[Change]) -> tuple[list[Change], list[Outcome]]:
    """The changes whose contacts could be found again, and the refusal of those with a longer address."""
    fitting = [change for change in changes if len(normal(change.address)) <= LONGEST_ADDRESS]
    reason = f"SendGrid looks up no address of more than {LONGEST_ADDRESS} characters, so nobody could take it off a list again"
    kept = {change.key for change in fitting}
    return fitting, [Outcome(one.key, "rejected", "address_too_long", reason) for one in changes if one.key not in kept]


async def outcomes_of(client: HttpClient, job_id: str, changes: Sequence[Change]) -> list[Outcome]:
    """Wait for a job. Raises RefusedWhole when it could not be processed, OutcomeUnknown when its figures are of no such call."""
    job = await finished(client, job_id)
    if job is None:
        raise OutcomeUnknown(f"{client.name}: job {job_id} is not known any more; its contacts are read back")
    results = job.get("results")
    results = results if isinstance(results, Mapping) else {}
    url, errored, requested = results.get("errors_url"), results.get("errored_count") or 0, results.get("requested_count")
    if job["status"] == "failed" and not url:
        raise RefusedWhole("failed", "the job could not be processed")
    if requested not in (None, len(changes)):
        raise OutcomeUnknown(f"{client.name}: job {job_id} counts other contacts than were sent; they are read back")
    if job["status"] == "completed" and not errored:
        return [Outcome(change.key, "accepted") for change in changes]
    try:
        refused = wire.failed_rows(changes, await fetched(client, str(url))) if url else None
    except MailhouseError as error:
        raise OutcomeUnknown(f"{client.name}: the errors of job {job_id} cannot be read ({error}); its contacts are") from error
    if refused is None or len(refused) != errored:
        raise OutcomeUnknown(f"{client.name}: job {job_id} does not say which contacts it refused; they are read back")
    return [refused.get(change.key) or Outcome(change.key, "accepted") for change in changes]
