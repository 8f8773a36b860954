"""What became of each mail, and who subscribed or left: one metric after the other, oldest first."""

from collections.abc import Iterable, Iterator

from ingestion.cursor import Cursor
from ingestion.klaviyo import settings
from ingestion.klaviyo.account import Account, Record, stamp


def events(account: Account, metrics: Iterable[Record], lag: int) -> Iterator[list[Record]]:
    """Events of the e-mail metrics since each metric's cursor less `lag` seconds; moves the cursors."""
    for metric in metrics:
        if _tells_of_our_mails(metric):
            yield from _events_of(account, metric["id"], lag)


def _events_of(account: Account, metric_id: str, lag: int) -> Iterator[list[Record]]:
    cursor = Cursor("events", [settings.EVENTS], parent=metric_id)
    conditions = [f'equals(metric_id,"{metric_id}")']
    if not cursor.is_first:
        conditions.append(f"greater-or-equal(datetime,{stamp(cursor.since(lag))})")
    query = {"page[size]": settings.EVENTS_PAGE, "sort": "datetime", "filter": ",".join(conditions)}
    for page in account.pages(settings.GET_EVENTS, query):
        yield [{**event, "metric_id": metric_id} for event in page]
        cursor.reach(account.moment(page[-1], "datetime"))


def _tells_of_our_mails(metric: Record) -> bool:
    attributes = metric.get("attributes") or {}
    integration = attributes.get("integration") or {}
    own = integration.get("name", settings.OWN_INTEGRATION) == settings.OWN_INTEGRATION
    return own and attributes.get("name") in settings.EMAIL_METRICS
