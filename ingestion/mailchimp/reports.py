"""Campaigns and what became of each mail. Reports are read while a campaign is young, once more when it is not, then never."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import dlt

from ingestion.client import VendorRefused
from ingestion.cursor import Cursor
from ingestion.fields import Fields
from ingestion.mailchimp import settings
from ingestion.mailchimp.account import Account
from ingestion.source import Landing, batches

Record = dict[str, Any]
Page = tuple[Fields, Sequence[Record]]
TABLES = [settings.CAMPAIGNS, settings.SENT_TO, settings.EMAIL_ACTIVITY, settings.UNSUBSCRIBES]


def pages(landing: Landing, account: Account, lag: int) -> Iterator[Page]:
    """Batches for the four tables. The campaigns still to be watched are remembered in dlt's state, each with what was read."""
    cursor = Cursor("campaigns", TABLES)
    if cursor.is_first:
        dlt.current.resource_state("campaigns")["watched"] = {}
    query = {"status": "sent"}
    if not cursor.is_first:
        query["since_send_time"] = cursor.since(lag).isoformat(timespec="seconds")
    for page in account.pages("/campaigns", "campaigns", **query):
        yield settings.CAMPAIGNS, page
        for campaign in page:
            sent_at = datetime.fromisoformat(campaign["send_time"])
            cursor.reach(sent_at)
            _watched().setdefault(campaign["id"], {"sent_at": sent_at.isoformat()})
    days = int(landing.connection.settings.get("report_days", settings.REPORT_DAYS))
    for campaign_id, seen in list(_watched().items()):
        is_old = landing.now() - datetime.fromisoformat(seen["sent_at"]) > timedelta(days=days)
        is_there = yield from _Report(account, campaign_id, lag).read(whole=is_old)
        if is_old or not is_there:
            del _watched()[campaign_id]


def _watched() -> dict[str, Record]:
    """The campaigns still to be watched, by id, and what was read of each; looked up anew in each package's state."""
    return dlt.current.resource_state("campaigns")["watched"]


class _Report:
    """One campaign's report."""

    def __init__(self, account: Account, campaign_id: str, lag: int) -> None:
        self.account, self.id, self.lag = account, campaign_id, lag

    @property
    def seen(self) -> Record:
        """What dlt's state remembers of this campaign; changed in place."""
        return _watched()[self.id]

    def read(self, *, whole: bool) -> Iterator[Page]:
        """What is new, or with `whole` everything; the generator's value is False when the campaign is gone."""
        try:
            report = self.account.client.read(f"/reports/{self.id}")
        except VendorRefused as error:
            if error.status == 404:  # deleted at the vendor, with its report
                return False
            raise
        deliveries = repr([report.get("emails_sent"), report.get("bounces")])
        if whole or self.seen.get("deliveries") != deliveries:
            yield from self._records(settings.SENT_TO, "sent-to", "sent_to")
            self.seen["deliveries"] = deliveries  # remembered once all of it has been read
        unsubscribed = repr(report.get("unsubscribed"))
        if whole or self.seen.get("unsubscribed") != unsubscribed:
            yield from self._records(settings.UNSUBSCRIBES, "unsubscribed", "unsubscribes")
            self.seen["unsubscribed"] = unsubscribed
        yield from self._activity(whole)
        return True

    def _records(self, fields: Fields, path: str, name: str) -> Iterator[Page]:
        for batch in batches(self.account.pages(f"/reports/{self.id}/{path}", name)):
            yield fields, [{**record, "campaign_id": self.id} for record in batch]

    def _activity(self, whole: bool) -> Iterator[Page]:
        query = {}
        if not whole and "activity_until" in self.seen:
            since = datetime.fromisoformat(self.seen["activity_until"]) - timedelta(seconds=self.lag)
            query["since"] = since.isoformat(timespec="seconds")
        latest = self.seen.get("activity_until", "")
        pages = self.account.pages(f"/reports/{self.id}/email-activity", "emails", **query)
        for batch in batches([self._act(email, act) for email in page for act in email.get("activity") or []] for page in pages):
            yield settings.EMAIL_ACTIVITY, batch
            latest = max([latest, *(act["timestamp"] for act in batch)])
        if latest:
            self.seen["activity_until"] = latest

    def _act(self, email: Record, act: Record) -> Record:
        # part of the key, so an open has the address ''
        return {**act, "campaign_id": self.id, "email_id": email.get("email_id"), "url": act.get("url") or ""}
