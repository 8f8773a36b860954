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
    state: dict[str, Any] = dlt.current.resource_state("campaigns")
    if cursor.is_first:
        state["watched"] = {}
    watched: dict[str, Record] = state["watched"]
    query = {"status": "sent"}
    if not cursor.is_first:
        query["since_send_time"] = cursor.since(lag).isoformat(timespec="seconds")
    for page in account.pages("/campaigns", "campaigns", **query):
        yield settings.CAMPAIGNS, page
        for campaign in page:
            sent_at = datetime.fromisoformat(campaign["send_time"])
            cursor.reach(sent_at)
            watched.setdefault(campaign["id"], {"sent_at": sent_at.isoformat()})
    days = int(landing.connection.settings.get("report_days", settings.REPORT_DAYS))
    for campaign_id in list(watched):
        report = _Report(account, campaign_id, watched[campaign_id], lag)
        is_old = landing.now() - datetime.fromisoformat(watched[campaign_id]["sent_at"]) > timedelta(days=days)
        if not (yield from report.read(whole=is_old)) or is_old:
            del watched[campaign_id]


class _Report:
    """One campaign's report; `seen` is what dlt's state remembers of it and is changed in place."""

    def __init__(self, account: Account, campaign_id: str, seen: Record, lag: int) -> None:
        self.account, self.id, self.seen, self.lag = account, campaign_id, seen, lag

    def read(self, *, whole: bool) -> Iterator[Page]:
        """What is new, or with `whole` everything; the generator's value is False when the campaign is gone."""
        try:
            report = self.account.client.read(f"/reports/{self.id}")
        except VendorRefused as error:
            if error.status == 404:  # deleted at the vendor, with its report
                return False
            raise
        deliveries = [report.get("emails_sent"), report.get("bounces")]
        if whole or self._changed("deliveries", deliveries):
            yield from self._records(settings.SENT_TO, "sent-to", "sent_to")
        if whole or self._changed("unsubscribed", report.get("unsubscribed")):
            yield from self._records(settings.UNSUBSCRIBES, "unsubscribed", "unsubscribes")
        yield from self._activity(whole)
        return True

    def _changed(self, name: str, figure: Any) -> bool:
        said = repr(figure)
        changed = self.seen.get(name) != said
        self.seen[name] = said
        return changed

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
