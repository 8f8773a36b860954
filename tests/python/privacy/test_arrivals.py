"""Who was erased does not come back, save by an opt-in of their own that is newer and proven."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from mailhouse.consent.acts import ConsentAct, ReceivedAct
from mailhouse.contact_points import normalise_email, wide_of
from mailhouse.errors import StateUnreadable
from mailhouse.privacy.arrivals import Arrivals
from mailhouse.privacy.tombstones import EMAIL, RECORD, Tombstones
from mailhouse.sandbox.mailchimp_words import hash_of
from mailhouse.settings import Connection, Settings

ERASED = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
ADDRESS = "ann@example.org"
MEMBER = hash_of(ADDRESS)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A house that has erased Ann."""
    made = Settings(tmp_path, tmp_path, {"mailchimp": Connection("mailchimp", "mailchimp", "http://127.0.0.1")})
    identifiers = [(EMAIL, ADDRESS), (RECORD, f"mailchimp/member/{MEMBER}"), (RECORD, "hubspot/contact/7")]
    identifiers += [(RECORD, "shopify/customer/5"), (RECORD, "shopify/order/6")]
    Tombstones(made).write(identifiers, "e1", "erased-abc", ERASED)
    return made


def page(connection_id: str, **columns: list) -> pa.Table:
    return pa.table({"connection_id": [connection_id] * len(next(iter(columns.values()))), **columns})


def act(kind: str, days: float, proof: str | None = None) -> ReceivedAct:
    at = ERASED + timedelta(days=days)
    return ReceivedAct(ConsentAct(kind, ADDRESS, "a form", occurred_at=at, proof=proof), at + timedelta(hours=1))


def member(days: float, opted_days: float | None, ip_opt: str = "203.0.113.9") -> pa.Table:
    opted = None if opted_days is None else ERASED + timedelta(days=opted_days)
    changed = pa.array([ERASED + timedelta(days=days)], pa.timestamp("us", "UTC"))
    opted_at = pa.array([opted], pa.timestamp("us", "UTC"))
    return page(
        "mailchimp", id=[MEMBER], email_address=["Ann@Example.org"], last_changed=changed, timestamp_opt=opted_at, ip_opt=[ip_opt]
    )


def test_a_record_is_known_by_its_id_and_by_each_address(settings):
    rows = page(
        "hubspot",
        id=["7", "8", "9", "10"],
        email=["new@example.org", " ANN@example.org ", None, "bob@example.org"],
        hs_additional_emails=[None, None, "x@example.org;ann@example.org", None],
    )
    assert Arrivals(settings).kept("hubspot", "contacts", rows)["id"].to_pylist() == ["10"]


def test_another_connections_record_of_the_same_number_is_somebody_else(settings):
    rows = page("second_portal", id=["7"], email=["bob@example.org"], hs_additional_emails=[None])
    assert Arrivals(settings).kept("hubspot", "contacts", rows) == rows


def test_an_order_stays_without_the_person(settings):
    rows = page(
        "shopify",
        id=["6", "60", "61"],
        customer_id=["5", None, "9"],
        email=["x@y.example", ADDRESS, "bob@y.example"],
        name=["#1"] * 3,
        total=[1, 2, 3],
    )
    kept = Arrivals(settings).kept("shopify", "orders", rows).to_pylist()
    assert [(row["customer_id"], row["email"], row["name"]) for row in kept] == [
        ("erased-abc", None, None),
        ("erased-abc", None, None),
        ("9", "bob@y.example", "#1"),
    ]
    assert [row["total"] for row in kept] == [1, 2, 3]
    lines = page("shopify", id=["1", "2"], order_id=["6", "61"], title=["For Ann", "Cup"], sku=["a", "b"])
    assert Arrivals(settings).kept("shopify", "order_lines", lines)["title"].to_pylist() == [None, "Cup"]


def test_where_nobody_was_erased_nothing_is_looked_at(tmp_path):
    empty = Settings(tmp_path, tmp_path, {})
    rows = page("hubspot", id=["7"], email=[ADDRESS], hs_additional_emails=[None])
    assert Arrivals(empty).kept("hubspot", "contacts", rows) is rows
    assert not empty.privacy_path.exists()


def test_without_the_pepper_nothing_lands(settings):
    settings.pepper_path.unlink()
    with pytest.raises(StateUnreadable):
        Arrivals(settings)


@pytest.mark.parametrize(
    ("acts", "taken"),
    [
        ([act("withdraw", -3), act("withdraw", 3)], []),
        ([act("grant", -1, "double_opt_in")], []),
        ([act("grant", 0, "double_opt_in")], []),
        ([act("grant", 5, "double_opt_in")], [5]),
        # what was said before the new opt-in stays out, what is said after it is theirs
        ([act("withdraw", -3), act("grant", -2, "double_opt_in"), act("grant", 5, "single_opt_in"), act("withdraw", 9)], [5, 9]),
    ],
)
def test_only_a_newer_grant_with_proof_lets_acts_in_again(settings, acts, taken):
    found = Arrivals(settings).acts(acts)
    assert [(one.act.occurred_at - ERASED).days for one in found] == taken


def test_after_a_new_opt_in_what_is_newer_lands(settings):
    assert Arrivals(settings).kept("mailchimp", "members", member(8, None)).num_rows == 0
    Arrivals(settings).acts([act("grant", 5, "double_opt_in")])
    assert Arrivals(settings).kept("mailchimp", "members", member(4, None)).num_rows == 0
    assert Arrivals(settings).kept("mailchimp", "members", member(8, None)).num_rows == 1
    # the records that were erased stay erased
    old = page("hubspot", id=["7"], email=[ADDRESS], hs_additional_emails=[None])
    assert Arrivals(settings).kept("hubspot", "contacts", old).num_rows == 0


@pytest.mark.parametrize(
    ("opted", "ip_opt", "lands"), [(5, "203.0.113.9", 1), (-5, "203.0.113.9", 0), (5, "", 0), (None, "203.0.113.9", 0)]
)
def test_a_confirmed_opt_in_at_mailchimp_is_one(settings, opted, ip_opt, lands):
    assert Arrivals(settings).kept("mailchimp", "members", member(6, opted, ip_opt)).num_rows == lands


def test_erasing_again_puts_the_tombstone_back(settings):
    Arrivals(settings).acts([act("grant", 5, "double_opt_in")])
    Tombstones(settings).write([(EMAIL, ADDRESS)], "e2", "erased-def", ERASED + timedelta(days=20))
    assert Arrivals(settings).acts([act("grant", 5, "double_opt_in"), act("withdraw", 9)]) == []


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.org",
        " Ann@EXAMPLE.org. ",
        "änn@example.org",
        "ann@exämple.org",
        "no address",
        "a@@b",
        "ＡＮＮ@example.org",
        "",
    ],
)
def test_the_quick_wide_form_is_the_wide_form(address):
    assert wide_of(address) == normalise_email(address).wide
