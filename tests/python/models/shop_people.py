"""A few hundred hand-made rows in all raw tables: people in one, two or three systems, with orders, mail and consent."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

DAY_ONE = datetime(2026, 1, 1, 9, tzinfo=UTC)
GIVEN = ("Ann", "Boris", "Clara", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas")
FAMILY = ("Arden", "Brook", "Castell", "Dorn", "Eklund", "Fenn")
COUNTRIES = ("GB", "US", "DE", "FR", "CA", None)
PEOPLE = 60


def member_id(email: str) -> str:
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()


def person(number: int) -> dict[str, Any]:
    given, family = GIVEN[number % len(GIVEN)], FAMILY[number % len(FAMILY)]
    return {
        "given": given,
        "family": family,
        "email": f"{given}.{family}{number}@mail.example".lower(),
        "country": COUNTRIES[number % len(COUNTRIES)],
        "since": DAY_ONE + timedelta(days=number),
    }


def contacts() -> Iterator[dict[str, Any]]:
    for number in range(0, PEOPLE, 2):
        one = person(number)
        yield {
            "id": str(number), "created_at": one["since"], "updated_at": one["since"] + timedelta(days=3), "archived": False,
            "email": one["email"], "firstname": one["given"], "lastname": one["family"], "country": one["country"],
            "hs_email_optout": number % 14 == 0, "loyalty_tier": "gold",
            "newsletter_consent_at": one["since"] if number % 4 == 0 else None,
            "newsletter_consent_source": "website form" if number % 4 == 0 else None,
        }  # fmt: skip


def customers() -> Iterator[dict[str, Any]]:
    for number in range(0, PEOPLE, 3):
        one = person(number)
        yield {
            "id": str(1000 + number), "first_name": one["given"], "last_name": one["family"], "email": one["email"],
            "created_at": one["since"], "updated_at": one["since"] + timedelta(days=9), "country_code": one["country"],
            "email_marketing_state": "SUBSCRIBED" if number % 6 == 0 else "NOT_SUBSCRIBED",
            "email_marketing_opt_in_level": "CONFIRMED_OPT_IN",
            "email_marketing_consent_updated_at": one["since"] if number % 6 == 0 else None,
        }  # fmt: skip


def orders() -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    for number in range(0, PEOPLE, 3):
        for turn in range(1 + number % 4):
            identifier = f"{number}{turn}"
            placed = person(number)["since"] + timedelta(days=20 * turn, hours=turn)
            order = {
                "id": identifier, "name": f"#{identifier}", "customer_id": str(1000 + number), "created_at": placed,
                "processed_at": placed, "updated_at": placed, "financial_status": "PAID", "currency": "EUR",
                "total_amount": "20.00", "total_refunded_amount": "0", "test": False,
                "cancelled_at": placed if number % 15 == 0 and turn == 1 else None,
            }  # fmt: skip
            lines = [
                {
                    "id": f"{identifier}{line}", "order_id": identifier, "position": line + 1, "product_id": "7", "sku": "MUG",
                    "title": "Mug", "quantity": 1 + line, "unit_price": f"{5 + number}.25", "discount_amount": "0.50",
                    "currency": "EUR",
                }
                for line in range(2)
            ]  # fmt: skip
            yield order, lines


def members() -> Iterator[dict[str, Any]]:
    for number in range(0, PEOPLE, 4):
        one = person(number)
        status = ("subscribed", "unsubscribed", "cleaned", "subscribed", "pending")[number // 4 % 5]
        yield {
            "list_id": "L1", "id": member_id(one["email"]), "contact_id": f"c{number}", "email_address": one["email"],
            "status": status, "full_name": f"{one['given']} {one['family']}",
            "merge_fields": f'{{"FNAME": "{one["given"]}", "LNAME": "{one["family"]}"}}', "tags": "[]",
            "timestamp_opt": one["since"], "ip_opt": "198.51.100.7", "last_changed": one["since"] + timedelta(days=30),
            "country_code": one["country"],
        }  # fmt: skip


def profiles() -> Iterator[dict[str, Any]]:
    """Every fifth person in Klaviyo: asked for mail, never asked, left, suppressed by hand, bounced."""
    consents = ("SUBSCRIBED", "NEVER_SUBSCRIBED", "UNSUBSCRIBED", "NEVER_SUBSCRIBED", "SUBSCRIBED")
    for number in range(0, PEOPLE, 5):
        one, turn = person(number), number // 5 % 5
        later = one["since"] + timedelta(days=40)
        reason = (None, None, None, "USER_SUPPRESSED", "HARD_BOUNCE")[turn]
        suppressions = [{"reason": reason, "timestamp": later.isoformat()}] if reason else []
        yield {
            "id": f"01P{number:03}", "email": one["email"].upper(), "first_name": one["given"], "last_name": one["family"],
            "country": {"GB": "United Kingdom", "DE": "DE"}.get(one["country"]), "created": one["since"], "updated": later,
            "consent": consents[turn], "consent_timestamp": one["since"] if consents[turn] != "NEVER_SUBSCRIBED" else None,
            "consent_method": "PREFERENCE_PAGE", "double_optin": number % 2 == 0, "can_receive_email_marketing": not reason,
            "suppressions": json.dumps(suppressions), "list_suppressions": "[]",
        }  # fmt: skip


def profile_events(metric: str, sent: datetime, **more: Any) -> Iterator[dict[str, Any]]:
    for profile in profiles():
        named = {"recipient": profile["email"]} if metric == "received" else {}
        yield {
            "id": f"{metric}-{profile['id']}", "metric_id": metric, "profile_id": profile["id"], "occurred_at": sent,
            "message_id": "k1", "campaign_name": "News", **named, **more,
        }  # fmt: skip


def fill_klaviyo(raw: Any) -> None:
    on_list = list(profiles())
    raw.land("raw_klaviyo.profiles", on_list)
    raw.land("raw_klaviyo.lists", [{"id": "L1", "name": "News", "opt_in_process": "double_opt_in", "created": DAY_ONE}])
    raw.land("raw_klaviyo.list_members", [{"list_id": "L1", "id": one["id"], "joined_group_at": DAY_ONE} for one in on_list])
    names = {"received": "Received Email", "opened": "Opened Email", "left": "Unsubscribed from Email Marketing"}
    raw.land("raw_klaviyo.metrics", [{"id": one, "name": name, "integration_name": "Klaviyo"} for one, name in names.items()])
    sent = DAY_ONE + timedelta(days=70)
    raw.land("raw_klaviyo.events", profile_events("received", sent))
    raw.land("raw_klaviyo.events", list(profile_events("opened", sent + timedelta(hours=1)))[::2])
    raw.land("raw_klaviyo.events", list(profile_events("left", sent + timedelta(hours=2), method="link"))[2:3])
    gone = {"resource": "profiles", "parent_id": "", "id": on_list[-1]["id"], "noticed_at": sent}
    raw.land("raw_klaviyo.removed", [gone])


def fill(raw: Any) -> None:
    """Land everything and normalise the contact points."""
    raw.land("raw_hubspot.contacts", contacts())
    raw.land("raw_shopify.customers", customers())
    made = list(orders())
    raw.land("raw_shopify.orders", [order for order, _ in made])
    raw.land("raw_shopify.order_lines", [line for _, lines in made for line in lines])
    raw.land("raw_shopify.refunds", [{"id": "1", "order_id": "30", "created_at": DAY_ONE, "amount": "3.10", "currency": "EUR"}])
    mug = {"id": "7", "title": "Mug", "status": "ACTIVE", "created_at": DAY_ONE, "updated_at": DAY_ONE}
    raw.land("raw_shopify.products", [mug])
    raw.land("raw_mailchimp.lists", [{"id": "L1", "name": "Customers", "date_created": DAY_ONE, "double_optin": False}])
    on_list = list(members())
    raw.land("raw_mailchimp.members", on_list)
    for turn in range(5):
        campaign, sent = f"k{turn}", DAY_ONE + timedelta(days=60 + turn)
        raw.land(
            "raw_mailchimp.campaigns",
            [{"id": campaign, "list_id": "L1", "status": "sent", "create_time": sent, "send_time": sent, "title": campaign}],
        )
        raw.land("raw_mailchimp.sent_to", [delivery(campaign, member) for member in on_list])
        raw.land("raw_mailchimp.email_activity", [opened(campaign, member, sent) for member in on_list[::3]])
    raw.land(
        "raw_mailchimp.unsubscribes",
        [
            {
                "campaign_id": "k0", "email_id": member["id"], "list_id": "L1", "email_address": member["email_address"],
                "occurred_at": DAY_ONE + timedelta(days=61),
            }
            for member in on_list
            if member["status"] == "unsubscribed"
        ],
    )  # fmt: skip
    fill_klaviyo(raw)
    raw.land("raw_segment.events", web_events())
    raw.normalise()


def web_events() -> Iterator[dict[str, Any]]:
    """Everybody looks around; some sign in afterwards, two of them at one browser, and some leave a cart."""
    for number in range(0, PEOPLE, 4):
        one, browser, account = person(number), f"browser-{number // 8}", f"account-{number}"
        came = DAY_ONE + timedelta(days=62, minutes=number)
        told = [("page", None, {"page_path": "/"}), ("track", None, {"event": "Product Added", "properties": added(number)})]
        if number % 3 == 0:
            told += [("identify", account, {"email": one["email"]}), ("page", account, {"page_path": "/new"})]
        for place, (call, user, more) in enumerate(told):
            yield {
                "message_id": f"{number}-{place}", "type": call, "user_id": user, "anonymous_id": browser,
                "unnamed_id": None if user else browser, "timestamp": came + timedelta(minutes=place), **more,
            }  # fmt: skip


def added(number: int) -> str:
    return json.dumps({"product_id": "7", "price": "9.50", "quantity": 1 + number % 2, "currency": "EUR"})


def delivery(campaign: str, member: dict[str, Any]) -> dict[str, Any]:
    return {
        "campaign_id": campaign, "email_id": member["id"], "email_address": member["email_address"], "list_id": "L1",
        "status": "sent", "open_count": 0,
    }  # fmt: skip


def opened(campaign: str, member: dict[str, Any], sent: datetime) -> dict[str, Any]:
    return {
        "campaign_id": campaign, "email_id": member["id"], "action": "open", "occurred_at": sent + timedelta(hours=2), "url": "",
    }  # fmt: skip
