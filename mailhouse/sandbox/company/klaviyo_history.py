"""What Klaviyo recorded of its profiles: orders that the shop told it of, and what its own mails set off."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from mailhouse.sandbox.company import klaviyo_account as words
from mailhouse.sandbox.company.calendar import iso
from mailhouse.sandbox.company.campaigns import LINKS, SHARE_CLICK, SHOP_URL
from mailhouse.sandbox.company.klaviyo_account import Account, Mailing
from mailhouse.sandbox.company.klaviyo_profiles import Known
from mailhouse.sandbox.company.shop_orders import cents
from mailhouse.sandbox.klaviyo_events import event_row
from mailhouse.sandbox.store import Row

ENDINGS = {"unsubscribed": words.UNSUBSCRIBED, "bounced": words.BOUNCED, "complained": words.COMPLAINED}
DAYS_OF_ORDERS = 365  # the integration brought the last year's orders along


def order_event(account: Account, profile_id: str, order: dict[str, Any]) -> Row:
    """The shop's order as the integration tells it."""
    lines = order["lineItems"]
    total = sum(cents(line["unitPrice"]) * line["quantity"] - cents(line["discount"]) for line in lines)
    properties = {
        "OrderId": order["id"],
        "ItemNames": [line["title"] for line in lines],
        "Items": [{"SKU": line["sku"], "Quantity": line["quantity"], "ItemPrice": line["unitPrice"]} for line in lines],
        "$value": total / 100,
        "$currency_code": order["currencyCode"],
    }
    return event_row(profile_id, account.metric[words.PLACED], order["processedAt"], properties, unique_id=order["id"])


def list_event(account: Account, profile_id: str, moment: str) -> Row:
    """Somebody came onto the newsletter."""
    properties = {"List": "Newsletter", "$list_id": account.newsletter}
    return event_row(profile_id, account.metric[words.LISTED], moment, properties)


def mail_events(account: Account, rng: Random, mailing: Mailing, known: Known, until: datetime) -> Iterator[Row]:
    """What one mail set off before `until`."""
    sent, ending, ends_here = mailing.sent_at, known.ending, known.ending.mailing is mailing

    def event(metric: str, moment: datetime, number: int = 0, **more: Any) -> Row:
        properties = {**mailing.properties(), **more}
        unique = f"{mailing.campaign_id}:{metric}:{number}"
        return event_row(known.row.id, account.metric[metric], iso(moment), properties, unique_id=unique)

    if ends_here and ending.how == "bounced":
        yield event(words.BOUNCED, ending.at or sent, **{"Bounce Type": "Hard"})
        return
    yield event(words.RECEIVED, sent + timedelta(seconds=rng.randint(5, 1_200)))
    last = ending.at if ends_here and ending.at is not None else until
    if ends_here or rng.random() < known.person.opens:
        moment = sent
        for number in range(1 if rng.random() < 0.8 else 2):
            moment = moment + timedelta(seconds=int(rng.expovariate(1 / 12_000)) + 1_230)
            if moment >= last:
                break
            yield event(words.OPENED, moment, number)
            if rng.random() < SHARE_CLICK and moment + timedelta(seconds=90) < last:
                yield event(words.CLICKED, moment + timedelta(seconds=90), number, URL=f"{SHOP_URL}/{rng.choice(LINKS)}")
    if ends_here:
        yield event(ENDINGS[ending.how], last)


def mailable(known: Known, mailing: Mailing) -> bool:
    """Whether the profile was written to by that campaign."""
    if known.since is None or known.since >= mailing.sent_at:
        return False
    return known.ending.at is None or known.ending.at > mailing.sent_at


def with_last_event(rows: Iterable[Row], last: dict[str, str]) -> Iterator[Row]:
    """The events as they are, with the time of each profile's latest noted on the way."""
    for row in rows:
        last[row.parent] = max(last.get(row.parent, ""), str(row.updated_at))
        yield row
