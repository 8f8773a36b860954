"""The campaigns of the last year and a half: what was sent when."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mailhouse.sandbox.company.calendar import iso
from mailhouse.sandbox.company.state import Company
from mailhouse.sandbox.store import Row

DAYS_BEFORE_NOW = (520, 450, 395, 340, 290, 245, 205, 165, 132, 109, 88, 67, 46, 32, 18, 4)
TITLES = (
    ("Spring range", "The new spring range is here"),
    ("Free delivery", "Free delivery until Sunday"),
    ("Kitchen special", "Ten things for your kitchen"),
    ("Summer sale", "Summer sale: up to 40 % off"),
    ("Back to the desk", "Back to the desk, in style"),
    ("Customer favourites", "What our customers love most"),
    ("Autumn range", "Warm light for long evenings"),
    ("Early access", "A first look, for you alone"),
    ("Winter sale", "The winter sale has begun"),
    ("Gift guide", "The gift guide is here"),
)
SEND_HOUR = 9
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Campaign:
    """One mailing to the list; `sent_at` is UTC."""

    campaign_id: str
    sent_at: datetime
    title: str
    subject: str

    def row(self, list_id: str) -> Row:
        """As Mailchimp keeps it."""
        made = self.sent_at - timedelta(days=2, hours=3)
        body = {
            "id": self.campaign_id,
            "type": "regular",
            "status": "sent",
            "create_time": iso(made),
            "send_time": iso(self.sent_at),
            "settings": {"title": self.title, "subject_line": self.subject},
            "recipients": {"list_id": list_id},
        }
        return Row(self.campaign_id, body, iso(self.sent_at), iso(made))


def campaign_at(company: Company, sent_at: datetime) -> Campaign:
    """The next mailing; titles come round."""
    identifier = company.next_id("mailchimp.campaign")
    title, subject = TITLES[int(identifier) % len(TITLES)]
    return Campaign(f"{int(identifier):x}", sent_at, f"{title} {sent_at:%Y-%m}", subject)


def past_campaigns(company: Company) -> list[Campaign]:
    """Oldest first."""
    midnight = company.calendar.last_order_end
    return [campaign_at(company, midnight - timedelta(days=days) + timedelta(hours=SEND_HOUR)) for days in DAYS_BEFORE_NOW]
