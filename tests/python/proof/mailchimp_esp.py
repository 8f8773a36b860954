"""An ESP of Mailchimp's kind: lists with records of their own, tags that a write carries, answers in the same call."""

from datetime import datetime

from mailhouse.destinations import Call, Change, Outcome
from mailhouse.destinations.mailchimp import wire
from tests.python.proof.esp import Account

REFUSED_THERE = ("unsubscribed", "cleaned")


class MailchimpAccount(Account):
    """Takes what the shipped wire format sends, and nothing else: the entries of a batch are the model's only input."""

    def _take(self, call: Call, began: datetime) -> list[Outcome]:
        if call.action == "join":
            raise AssertionError("Mailchimp has no such call")
        if len(call.changes) > (wire.LEAVE_ROWS if call.action == "leave" else wire.BATCH_ROWS):
            raise AssertionError(f"a call of {len(call.changes)} rows")
        if call.action == "leave":
            for change in call.changes:
                self.esp.remove("ours", call.container, call.membership, wire.key_of(change.address), began)
            return [Outcome(change.key, "accepted") for change in call.changes]
        return [self._write(call.container, change, began) for change in call.changes]

    def _write(self, container: str, change: Change, began: datetime) -> Outcome:
        esp, entry = self.esp, wire.entry(change, "subscribed")
        key = wire.key_of(entry["email_address"])
        if key in esp.refusing:
            return Outcome(change.key, "rejected", esp.refusing[key], "refused by the model")
        kept = esp.records[container].get(key)
        if kept is None:
            status = entry.get("status") or entry["status_if_new"]
            kept = esp.create("ours", container, key, entry["email_address"], status, began)
        elif entry.get("status", kept.status) != kept.status:
            if kept.status in REFUSED_THERE:
                esp.note("resubscribe", "ours", container, "", key, began)
            kept.status = entry["status"]
        esp.write_fields("ours", container, key, entry["merge_fields"], began)
        for tag in entry.get("tags", ()):
            esp.add("ours", container, tag, key, began)
        return Outcome(change.key, "accepted")
