"""Which objects of an org are read."""

from collections.abc import Mapping

# the object and the table that it lands in
TABLES: Mapping[str, str] = {
    "Contact": "contacts",
    "Lead": "leads",
    "Account": "accounts",
    "Opportunity": "opportunities",
    "Campaign": "campaigns",
    "CampaignMember": "campaign_members",
    "Task": "tasks",
    "Case": "cases",
}
