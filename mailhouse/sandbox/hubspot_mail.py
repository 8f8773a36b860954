"""HubSpot's single-send: one mail to one person, once for each id; whoever opted out gets none."""

import uuid

from mailhouse.sandbox.hubspot_preferences import ADDRESS, opted_out_since
from mailhouse.sandbox.hubspot_words import refusal
from mailhouse.sandbox.store import Row, stamp
from mailhouse.sandbox.wire import Call, Reply, Route

SENT = "hubspot.sent"


def routes() -> list[Route]:
    """The dated path and that of the version before."""
    paths = ("/marketing/email-campaigns/{version}/single-send", "/marketing/{version}/email/single-send")
    return [Route("POST", path, single_send, writes=True) for path in paths]


def single_send(call: Call) -> Reply:
    """POST single-send: answered when the mail is on its way."""
    given = call.json()
    message = given.get("message") if isinstance(given, dict) else None
    to = message.get("to") if isinstance(message, dict) else None
    if not isinstance(given.get("emailId"), int) or not isinstance(to, str) or not ADDRESS.fullmatch(to):
        return refusal(400, "emailId and message.to are required", "VALIDATION_ERROR")
    store = call.runtime.store
    now = stamp(store.now())
    send_id = str(message.get("sendId") or uuid.uuid4())
    with store.transaction():
        if store.get(SENT, send_id) is not None:
            result = "IDEMPOTENT_IGNORE"
        elif opted_out_since(store, to):
            result = "PREVIOUSLY_UNSUBSCRIBED_MESSAGE"
        else:
            result = "SENT"
            store.put(SENT, Row(send_id, {"to": to.lower(), "emailId": given["emailId"]}, now, now, email=to.lower()))
    body = {"requestedAt": now, "startedAt": now, "completedAt": now, "statusId": str(uuid.uuid4()), "status": "COMPLETE"}
    return Reply(200, body | {"sendResult": result}, rows=1)
