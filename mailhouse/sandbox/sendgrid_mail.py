"""SendGrid's mail: single messages by dynamic templates, single sends with their figures, and the erasure of recipients."""

from typing import Any

from mailhouse.sandbox.sendgrid_people import ADDRESS, normal
from mailhouse.sandbox.sendgrid_suppressions import is_suppressed
from mailhouse.sandbox.sendgrid_words import Refused, body_of, fresh, number_of, page, shown, texts
from mailhouse.sandbox.store import Row, Store, stamp
from mailhouse.sandbox.wire import Call, Reply

TEMPLATE, MESSAGE, SINGLE_SEND = "sendgrid.template", "sendgrid.message", "sendgrid.single_send"
MOST_PERSONALIZATIONS = 1_000
MOST_ERASED, MOST_ERASED_BYTES = 5_000, 256_000


class Mail:
    """The handlers of mail/send, templates, single sends and their figures, and recipients/erasejob."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def send(self, call: Call) -> Reply:
        """POST mail/send: taken as it is; whoever is suppressed gets nothing, and nobody is told. Sent twice is two mails."""
        body = body_of(call)
        envelopes = body.get("personalizations")
        if not isinstance(envelopes, list) or not 1 <= len(envelopes) <= MOST_PERSONALIZATIONS:
            raise Refused(400, f"personalizations must have from 1 to {MOST_PERSONALIZATIONS} entries", "personalizations")
        if not _is_address(body.get("from")):
            raise Refused(400, "the from email is required", "from.email")
        template = self._template_of(body)
        recipients = []
        for at, envelope in enumerate(envelopes):
            to = envelope.get("to") if isinstance(envelope, dict) else None
            if not isinstance(to, list) or not to or not all(_is_address(one) for one in to):
                raise Refused(400, "the to array is required", f"personalizations.{at}.to")
            recipients += [(normal("email", one["email"]), envelope) for one in to]
        group = (body.get("asm") or {}).get("group_id")
        now, number = stamp(self.store.now()), fresh(self.store, "message")(len(recipients))
        messages = [
            Row(
                number(),
                {
                    "template_id": template,
                    "data": envelope.get("dynamic_template_data") or {},
                    "custom_args": envelope.get("custom_args") or {},
                    "is_dropped": is_suppressed(self.store, address, str(group) if group else None),
                },
                now,
                now,
                parent=call.request_id,
                email=address,
            )
            for address, envelope in recipients
        ]
        self.store.put_many(MESSAGE, messages)
        return Reply(202, None, rows=len(messages), headers={"X-Message-Id": messages[0].id.replace("-", "")[:22]})

    def _template_of(self, body: dict[str, Any]) -> str:
        template = body.get("template_id")
        if template is None:
            if not body.get("content") or not body.get("subject"):
                raise Refused(400, "either a template_id or a subject and content is required", "content")
            return ""
        if not isinstance(template, str) or self.store.get(TEMPLATE, template) is None:
            raise Refused(400, "there is no template of that id", "template_id")
        return template

    # -- templates --------------------------------------------------------------------------------------------------
    def templates(self, call: Call) -> Reply:
        size, offset = number_of(call, "page_size", 10, 1, 200), number_of(call, "page_token", 0, 0)
        rows = self.store.page(TEMPLATE, limit=size + 1, offset=offset)
        token = str(offset + size) if len(rows) > size else None
        return page(call, "result", [template_json(row) for row in rows[:size]], token, self.store.count(TEMPLATE))

    def template(self, call: Call) -> Reply:
        row = self.store.get(TEMPLATE, call.params["template_id"])
        if row is None:
            raise Refused(404, "there is no template of that id")
        return Reply(body=template_json(row))

    # -- single sends -----------------------------------------------------------------------------------------------
    def single_sends(self, call: Call) -> Reply:
        return self._sends(call, "result", single_send_json)

    def stats(self, call: Call) -> Reply:
        return self._sends(call, "results", stats_json)

    def _sends(self, call: Call, key: str, show: Any) -> Reply:
        size, offset = number_of(call, "page_size", 25, 1, 50), number_of(call, "page_token", 0, 0)
        rows = self.store.page(SINGLE_SEND, limit=size + 1, offset=offset)
        token = str(offset + size) if len(rows) > size else None
        return page(call, key, [show(row) for row in rows[:size]], token, self.store.count(SINGLE_SEND))

    # -- erasure ----------------------------------------------------------------------------------------------------
    def erase(self, call: Call) -> Reply:
        """POST recipients/erasejob: what is known of the addresses as recipients of mail; contacts are another matter."""
        if len(call.body) > MOST_ERASED_BYTES:
            raise Refused(400, "the payload is larger than 256Kb", "email_addresses")
        addresses = texts(body_of(call), "email_addresses", most=MOST_ERASED, required=True)
        if not all(ADDRESS.fullmatch(normal("email", one)) for one in addresses):
            raise Refused(400, "an address is invalid", "email_addresses")
        for address in addresses:
            for row in self.store.by_email(MESSAGE, normal("email", address)):
                self.store.delete(MESSAGE, row.id, row.parent)
        return Reply(202, {"job_id": fresh(self.store, "erasure")(1)()}, rows=len(addresses))


def _is_address(one: Any) -> bool:
    address = one.get("email") if isinstance(one, dict) else None
    return isinstance(address, str) and ADDRESS.fullmatch(normal("email", address)) is not None


def template_row(identifier: str, name: str, at: str) -> Row:
    """A dynamic template; for the store. Its id begins with `d-`."""
    return Row(identifier, {"name": name}, at, at)


def template_json(row: Row) -> dict[str, Any]:
    updated = shown(row.updated_at).replace("T", " ").rstrip("Z")
    return {"id": row.id, "name": row.body["name"], "generation": "dynamic", "updated_at": updated, "versions": []}


def single_send_row(identifier: str, name: str, sent_at: str, stats: dict[str, int]) -> Row:
    """A campaign that went out, with its figures; for the store."""
    return Row(identifier, {"name": name, "stats": stats}, sent_at, sent_at)


def single_send_json(row: Row) -> dict[str, Any]:
    at = shown(row.created_at)
    return {
        "id": row.id,
        "name": row.body["name"],
        "abtest": None,
        "status": "triggered",
        "categories": [],
        "send_at": at,
        "is_abtest": False,
        "updated_at": at,
        "created_at": at,
    }


def stats_json(row: Row) -> dict[str, Any]:
    return {"id": row.id, "ab_variation": row.id, "ab_phase": "all", "aggregation": "total", "stats": row.body["stats"]}
