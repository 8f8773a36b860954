"""What stands in the company's Klaviyo account whoever its people are: lists, a flow, metrics, campaigns."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailhouse.sandbox.company.calendar import iso
from mailhouse.sandbox.company.catalogue import VENDOR
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.klaviyo_events import metric_row
from mailhouse.sandbox.klaviyo_lists import flow_row, list_row
from mailhouse.sandbox.klaviyo_segments import account_row, campaign_row, segment_row
from mailhouse.sandbox.klaviyo_words import short_id
from mailhouse.sandbox.store import Row, Store

OPENED_DAYS = 420  # the company moved part of its mail to Klaviyo so many days before the present
CAMPAIGN_DAYS = (318, 299, 277, 256, 238, 217, 196, 175, 154, 133, 111, 90, 69, 43, 15)
CAMPAIGN_EVERY = 24  # days, from then on
SUBJECTS = (
    ("Made by hand", "How our bowls are made"),
    ("Back in stock", "Your favourites are back"),
    ("A room a month", "One room, five ideas"),
    ("Members first", "Yours before anyone else's"),
    ("Small things", "Ten small things under 20"),
)
SHOPIFY = {"object": "integration", "id": "7FtS4J", "key": "shopify", "name": "Shopify", "category": "eCommerce"}
OWN = {"object": "integration", "id": "0rG4eQ", "key": "klaviyo", "name": "Klaviyo", "category": "Internal"}
PLACED, RECEIVED, OPENED, CLICKED = "Placed Order", "Received Email", "Opened Email", "Clicked Email"
BOUNCED, COMPLAINED = "Bounced Email", "Marked Email as Spam"
UNSUBSCRIBED, LISTED = "Unsubscribed from Email Marketing", "Subscribed to List"
METRICS = {PLACED: SHOPIFY} | dict.fromkeys((RECEIVED, OPENED, CLICKED, BOUNCED, COMPLAINED, UNSUBSCRIBED, LISTED), OWN)


@dataclass(frozen=True, slots=True)
class Mailing:
    """One of the account's campaigns; `sent_at` is UTC."""

    campaign_id: str
    name: str
    subject: str
    sent_at: datetime

    def row(self, list_id: str) -> Row:
        """As Klaviyo keeps it."""
        made = iso(self.sent_at - timedelta(days=1, hours=5))
        return campaign_row(self.campaign_id, self.name, self.subject, list_id, iso(self.sent_at), made)

    def properties(self) -> dict[str, Any]:
        """What each event of the campaign says of it."""
        return {"Campaign Name": self.name, "Subject": self.subject, "$message": self.campaign_id}


class Account:
    """The identifiers of what stands in the account; they follow from the company's seed."""

    def __init__(self, company: Company) -> None:
        self.seed = company.seed
        self.newsletter, self.first_purchase = self._id("Newsletter"), self._id("New customers")
        self.metric = {name: metric_row(name, "2020-01-01T00:00:00.000Z", kind).id for name, kind in METRICS.items()}

    def _id(self, what: str) -> str:
        return short_id(f"{self.seed}:{what}")

    def opened(self, company: Company) -> datetime:
        """When the account was opened; not before the company itself."""
        return max(company.calendar.first, company.calendar.last_order_end - timedelta(days=OPENED_DAYS))

    def furnish(self, store: Store, company: Company) -> None:
        """Puts everything but people, campaigns and events."""
        at = iso(self.opened(company))
        store.put("klaviyo.account", account_row(self._id("account"), VENDOR, at))
        lists = [list_row(self.newsletter, "Newsletter", at), list_row(self.first_purchase, "New customers", at)]
        store.put_many("klaviyo.list", lists)
        store.put("klaviyo.flow", flow_row(self._id("flow"), "Welcome to the house", at, self.first_purchase))
        store.put("klaviyo.segment", segment_row(self._id("segment"), "On the newsletter", at, self.newsletter))
        store.put_many("klaviyo.metric", [metric_row(name, at, kind) for name, kind in METRICS.items()])

    def mailing_at(self, sent_at: datetime) -> Mailing:
        """The campaign of a day; subjects come round."""
        name, subject = SUBJECTS[sent_at.toordinal() % len(SUBJECTS)]
        return Mailing(self._id(f"campaign {sent_at.date()}"), f"{name} {sent_at:%Y-%m-%d}", subject, sent_at)

    def past_mailings(self, company: Company) -> list[Mailing]:
        """Oldest first, none before the account."""
        midnight, opened = company.calendar.last_order_end, self.opened(company)
        sent = [midnight - timedelta(days=days) + timedelta(hours=8) for days in CAMPAIGN_DAYS]
        return [self.mailing_at(moment) for moment in sent if moment > opened]
