"""What a call of the generator did, in numbers."""

from dataclasses import asdict, dataclass
from datetime import datetime


@dataclass
class Summary:
    """Objects made (seed) or made and changed (advance); `now` is the clock afterwards, UTC."""

    now: datetime
    people: int = 0
    contacts: int = 0
    contacts_changed: int = 0
    contacts_merged: int = 0
    contacts_archived: int = 0
    shop_customers: int = 0
    shop_customers_changed: int = 0
    shop_customers_deleted: int = 0
    products: int = 0
    orders: int = 0
    order_lines: int = 0
    refunds: int = 0
    members: int = 0
    members_changed: int = 0
    campaigns: int = 0
    deliveries: int = 0
    abuse_reports: int = 0
    profiles: int = 0
    profiles_changed: int = 0
    profile_events: int = 0
    sendgrid_contacts: int = 0
    sendgrid_contacts_deleted: int = 0
    salesforce_contacts: int = 0
    salesforce_leads: int = 0
    salesforce_changed: int = 0
    salesforce_merged: int = 0
    salesforce_deleted: int = 0

    def as_dict(self) -> dict[str, int | str]:
        """With the clock as ISO 8601 text."""
        return asdict(self) | {"now": self.now.isoformat()}
