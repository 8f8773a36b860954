"""Carrying a no to Klaviyo: a suppressed profile gets no marketing, whatever it consented to. Nothing here takes one back."""

import logging
from collections.abc import Sequence

from mailhouse.destinations.base import Outcome
from mailhouse.destinations.keys import key_of
from mailhouse.destinations.klaviyo import wire
from mailhouse.destinations.klaviyo.isolating import REFUSED
from mailhouse.destinations.klaviyo.limits import SUPPRESS_ROWS
from mailhouse.destinations.klaviyo.reading import by_address, document, finished
from mailhouse.http import HttpClient, OutcomeUnknown

log = logging.getLogger(__name__)

KIND = "profile-suppression-bulk-create-jobs"
PATH = f"/api/{KIND}"


async def suppress(client: HttpClient, addresses: Sequence[str]) -> list[Outcome]:
    """Suppress these addresses, 100 in a call, and read back who is; one outcome an address, in their order.

    An address without a profile gets one, which is suppressed. Each outcome carries `key_of` of its address. Whoever is
    not seen to be suppressed is `try_again`, unless Klaviyo refused the address itself; asking again does no harm. Calls go in
    the lane of withdrawals. Raises VendorUnreachable, MalformedAnswer or CredentialsRejected.
    """
    refused: dict[str, Outcome] = {}
    for start in range(0, len(addresses), SUPPRESS_ROWS):
        try:
            refused |= await _job(client, addresses[start : start + SUPPRESS_ROWS])
        except OutcomeUnknown as unknown:
            # nobody need be told: who is suppressed is read back in any case
            log.info("%s", unknown)
    found = await by_address(client, addresses, ("email", "subscriptions"), lane="withdrawal")
    outcomes = []
    for address in addresses:
        key = key_of(address)
        profile = found.get(key)
        if profile and wire.status_of(profile["attributes"]) in wire.BARRED:
            outcomes.append(Outcome(key, "accepted", vendor_id=str(profile["id"])))
        else:
            outcomes.append(refused.get(key) or Outcome(key, "try_again", "not_suppressed", "not suppressed when read back"))
    return outcomes


async def _job(client: HttpClient, addresses: Sequence[str]) -> dict[str, Outcome]:
    """One job, and where Klaviyo refuses it as a whole further ones without the addresses at fault; key -> refusal."""
    answer = await client.write("POST", PATH, PATH, wire.suppression(addresses), lane="withdrawal")
    if answer.status not in REFUSED:
        job_id = str(document(client, f"POST {PATH}", answer)["data"]["id"])
        await finished(client, KIND, job_id, lane="withdrawal")
        return {}
    errors = wire.rows_at_fault(answer.body.get("errors") if isinstance(answer.body, dict) else None, len(addresses))
    if len(addresses) == 1:
        key = key_of(addresses[0])
        error = errors.get(0) or {"code": f"http_{answer.status}", "detail": client.detail(answer)}
        return {key: wire.refusal(key, error)}
    if not errors:
        middle = len(addresses) // 2
        return await _job(client, addresses[:middle]) | await _job(client, addresses[middle:])
    refused = {key: wire.refusal(key, error) for at, error in errors.items() if (key := key_of(addresses[at]))}
    others = [address for at, address in enumerate(addresses) if at not in errors]
    return refused | (await _job(client, others) if others else {})
