"""An ESP of HubSpot's kind: one container, batches that answer row by row, lists by the ESP's own ids."""

from datetime import datetime

from mailhouse.destinations import Call, Change, Outcome
from mailhouse.destinations.hubspot import wire
from mailhouse.destinations.keys import key_of
from tests.python.proof.esp import Account

BATCH_ROWS, MEMBER_ROWS = 60, 45


class HubSpotAccount(Account):
    """Takes what the shipped wire format sends, and nothing else: the inputs of a batch are the model's only input."""

    def _take(self, call: Call, began: datetime) -> list[Outcome]:
        if len(call.changes) > (BATCH_ROWS if call.action == "write" else MEMBER_ROWS):
            raise AssertionError(f"a call of {len(call.changes)} rows")
        if call.action != "write":
            return [self._move(call, change, began) for change in call.changes]
        inputs = wire.upsert(call.changes)["inputs"]
        return [self._write(change, one, began) for change, one in zip(call.changes, inputs, strict=True)]

    def _write(self, change: Change, given: dict, began: datetime) -> Outcome:
        if given["properties"].keys() & wire.EVIDENCE:
            raise AssertionError("a property that says who somebody is")
        key = key_of(given["id"])
        if key in self.esp.refusing:
            return Outcome(change.key, "rejected", self.esp.refusing[key], "refused by the model")
        kept = self.esp.records[""].get(key) or self.esp.create("ours", "", key, given["id"], "subscribed", began)
        self.esp.write_fields("ours", "", key, {name: value or None for name, value in given["properties"].items()}, began)
        return Outcome(change.key, "accepted", vendor_id=kept.vendor_id)
