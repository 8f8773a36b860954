"""The company's Klaviyo account: who is in it, what it knows of consent, and how its days pass beside the other systems."""

import shutil
from collections import Counter, defaultdict
from pathlib import Path

import duckdb
import pytest

from mailhouse.sandbox import company
from mailhouse.sandbox.company import klaviyo, klaviyo_day
from mailhouse.sandbox.klaviyo_members import member_ids
from mailhouse.sandbox.store import Store

KINDS = ("klaviyo.profile", "klaviyo.event", "klaviyo.list", "klaviyo.campaign", "klaviyo.metric", "klaviyo.flow")


class Seeded:
    """A company of one seed."""

    def __init__(self, directory: Path, like: "Seeded | None" = None, **arguments) -> None:
        directory.mkdir(exist_ok=True)
        self.truth_path = directory / "truth.duckdb"
        if like is not None:
            like.store.close()  # the file is whole on its own then
            shutil.copy(like.store.path, directory / "state.db")
            shutil.copy(like.truth_path, self.truth_path)
        self.store = Store(directory / "state.db")
        if like is None:
            self.summary = company.seed(self.store, self.truth_path, **{"seed": 7, "customers": 1_000, **arguments})

    def advance(self, days: int) -> None:
        self.summary = company.advance(self.store, self.truth_path, days)

    def rows(self, kind: str):
        return self.store.page(kind, limit=-1)

    def everything(self, where: str) -> list[tuple]:
        return self.store.query(f"select * from object where {where} order by kind, id, parent", ())

    def truth(self, table: str) -> list[tuple]:
        with duckdb.connect(str(self.truth_path), read_only=True) as connection:
            return connection.execute(f"select * from {table} order by all").fetchall()

    def events(self) -> dict[str, list]:
        names = {row.id: row.body["name"] for row in self.rows("klaviyo.metric")}
        found = defaultdict(list)
        for row in self.rows("klaviyo.event"):
            found[names[row.body["metric"]]].append(row)
        return found


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    return Seeded(tmp_path_factory.mktemp("account"))


@pytest.fixture(scope="module")
def later(tmp_path_factory, seeded):
    made = Seeded(tmp_path_factory.mktemp("later"), like=seeded)
    made.advance(40)
    return made


def reasons(rows):
    return Counter(one["reason"] for row in rows for one in row.body["marketing"]["suppression"])


def test_it_is_of_a_moderate_size(seeded):
    assert 400 <= len(seeded.rows("klaviyo.profile")) <= 600
    assert 4_500 <= len(seeded.rows("klaviyo.event")) <= 8_000
    assert (seeded.summary.profiles, seeded.summary.profile_events) == tuple(len(seeded.rows(kind)) for kind in KINDS[:2])


def test_most_profiles_are_the_shops_customers(seeded):
    customers = {row.email: row.body for row in seeded.rows("shopify.customer")}
    profiles = seeded.rows("klaviyo.profile")
    shared = [row for row in profiles if row.email in customers]
    assert 0.7 <= len(shared) / len(customers) <= 0.9
    assert 0.02 <= 1 - len(shared) / len(profiles) <= 0.2
    assert len({row.email for row in profiles}) == len(profiles)
    assert all(row.email == row.body["email"].lower().strip() for row in profiles)


def test_every_kind_of_consent_is_there(seeded):
    rows = seeded.rows("klaviyo.profile")
    consent = Counter(row.body["marketing"]["consent"] for row in rows)
    assert consent["SUBSCRIBED"] > 150 and consent["NEVER_SUBSCRIBED"] > 150 and consent["UNSUBSCRIBED"] > 10
    assert set(reasons(rows)) == {"UNSUBSCRIBE", "HARD_BOUNCE", "SPAM_COMPLAINT", "USER_SUPPRESSED"}
    for row in rows:
        marketing = row.body["marketing"]
        assert (marketing["consent"] == "UNSUBSCRIBED") == ("UNSUBSCRIBE" in {one["reason"] for one in marketing["suppression"]})
        assert (marketing["consent_timestamp"] is None) == (marketing["consent"] == "NEVER_SUBSCRIBED")
    assert {row.body["marketing"]["method"] for row in rows} >= {None, "CHECKOUT", "FORM", "PREFERENCE_PAGE", "INTEGRATION"}


def test_it_knows_less_than_the_others_and_something_more(seeded):
    """A no said to Mailchimp is not heard here, and one said here is not heard there: what the chain must put right."""
    here = {row.email: row.body["marketing"]["consent"] for row in seeded.rows("klaviyo.profile")}
    there = {row.email: row.body["status"] for row in seeded.rows("mailchimp.member")}
    both = here.keys() & there.keys()
    assert sum(here[one] == "SUBSCRIBED" and there[one] == "unsubscribed" for one in both) >= 5
    assert sum(here[one] == "UNSUBSCRIBED" and there[one] == "subscribed" for one in both) >= 5


def test_events_are_those_of_profiles_and_of_the_past(seeded):
    events, profiles = seeded.events(), {row.id: row for row in seeded.rows("klaviyo.profile")}
    assert set(events) == {
        "Placed Order",
        "Received Email",
        "Opened Email",
        "Clicked Email",
        "Bounced Email",
        "Marked Email as Spam",
        "Unsubscribed from Email Marketing",
        "Subscribed to List",
    }
    now = seeded.store.now().isoformat()
    latest = defaultdict(str)
    for rows in events.values():
        for row in rows:
            assert row.parent in profiles and row.updated_at < now
            latest[row.parent] = max(latest[row.parent], row.updated_at)
    assert {key: row.body["last_event_date"] for key, row in profiles.items()} == {key: latest[key] or None for key in profiles}
    orders = {row.id for row in seeded.rows("shopify.order")}
    assert {row.body["event_properties"]["OrderId"] for row in events["Placed Order"]} <= orders
    ended = reasons(profiles.values())
    assert len(events["Bounced Email"]) == ended["HARD_BOUNCE"]
    assert len(events["Marked Email as Spam"]) == ended["SPAM_COMPLAINT"]


def test_nobody_is_mailed_after_a_no(seeded):
    received = defaultdict(str)
    for row in seeded.events()["Received Email"]:
        received[row.parent] = max(received[row.parent], row.updated_at)
    for row in seeded.rows("klaviyo.profile"):
        marketing = row.body["marketing"]
        for one in marketing["suppression"]:
            assert received[row.id] <= one["timestamp"]
        assert not received[row.id] or marketing["consent"] != "NEVER_SUBSCRIBED"


def test_lists_hold_who_belongs_there(seeded):
    lists = {row.body["name"]: row.id for row in seeded.rows("klaviyo.list")}
    assert set(lists) == {"Newsletter", "New customers"}
    consent = {row.id: row.body["marketing"]["consent"] for row in seeded.rows("klaviyo.profile")}
    newsletter = member_ids(seeded.store, lists["Newsletter"])
    assert len(newsletter) > 150 and {consent[one] for one in newsletter} == {"SUBSCRIBED"}
    assert 5 <= len(member_ids(seeded.store, lists["New customers"])) <= 100
    flow = seeded.rows("klaviyo.flow")[0].body
    assert (flow["status"], flow["list_id"]) == ("live", lists["New customers"])


def test_truth_knows_every_profile(seeded, later):
    for made in (seeded, later):
        known = {record: person for _, record, person, _ in made.truth("klaviyo_truth")}
        assert {row.id for row in made.rows("klaviyo.profile")} == set(known)
        assert set(known.values()) <= {row[0] for row in made.truth("people")}
    assert {source for source, *_ in seeded.truth("truth")} == {"hubspot", "shopify", "mailchimp"}


def test_days_bring_profiles_events_yes_and_no(seeded, later):
    before = {row.id: row.body for row in seeded.rows("klaviyo.profile")}
    after = {row.id: row.body for row in later.rows("klaviyo.profile")}
    assert len(after) > len(before) and not before.keys() - after.keys()
    moves = Counter(
        (before[key]["marketing"]["consent"], after[key]["marketing"]["consent"])
        for key in before
        if before[key]["marketing"]["consent"] != after[key]["marketing"]["consent"]
    )
    assert moves["SUBSCRIBED", "UNSUBSCRIBED"] >= 5 and moves["NEVER_SUBSCRIBED", "SUBSCRIBED"] >= 3
    assert set(moves) == {("SUBSCRIBED", "UNSUBSCRIBED"), ("NEVER_SUBSCRIBED", "SUBSCRIBED")}
    counts = [{name: len(rows) for name, rows in made.events().items()} for made in (seeded, later)]
    assert all(counts[1][name] > counts[0][name] for name in ("Placed Order", "Received Email", "Opened Email"))
    assert all(before[key]["updated"] <= after[key]["updated"] for key in before)
    changed = [key for key in before if before[key]["marketing"] != after[key]["marketing"]]
    assert all(after[key]["updated"] > before[key]["updated"] for key in changed)


def test_one_day_after_another_is_the_same_as_many_at_once(tmp_path):
    one, other = Seeded(tmp_path / "one", customers=200), Seeded(tmp_path / "other", customers=200)
    assert one.everything("true") == other.everything("true")
    one.advance(26)
    for _ in range(2):
        other.advance(13)
    assert one.everything("true") == other.everything("true")
    assert one.truth("klaviyo_truth") == other.truth("klaviyo_truth")


def test_the_other_systems_are_what_they_are_without_it(tmp_path, monkeypatch):
    with_it = Seeded(tmp_path / "with", customers=200)
    with_it.advance(10)
    monkeypatch.setattr(klaviyo, "fill", lambda *_: [])
    monkeypatch.setattr(klaviyo_day, "live", lambda *_: None)
    without = Seeded(tmp_path / "without", customers=200)
    without.advance(10)
    assert without.rows("klaviyo.profile") == []
    others = "kind not like 'klaviyo.%'"
    assert with_it.everything(others) == without.everything(others)
    assert with_it.truth("truth") == without.truth("truth") and with_it.truth("people") == without.truth("people")


def test_a_file_of_orders_gets_profiles_and_no_order_of_ours(tmp_path):
    path = tmp_path / "orders.csv"
    lines = [f"{n},c{n % 40},2026-0{1 + n % 6}-1{n % 9} 10:00:00,GBP,GB,SKU{n % 5},Thing,1,9.99" for n in range(120)]
    header = "order_id,customer_ref,ordered_at,currency,country,sku,title,quantity,unit_price"
    path.write_text("\n".join((header, *lines)) + "\n")
    made = Seeded(tmp_path, orders_file=path)
    assert len(made.rows("shopify.order")) == 120
    assert 20 <= len(made.rows("klaviyo.profile")) <= 60
    made.advance(10)
    orders = {row.id for row in made.rows("shopify.order")}
    assert len(orders) == 120
    assert {row.body["event_properties"]["OrderId"] for row in made.events()["Placed Order"]} <= orders


def test_all_that_is_served_of_it_passes_the_judge(sandbox_factory):
    """Each page of each endpoint; the judge of the test run is in between."""
    served = sandbox_factory(lambda store: company.seed(store, store.path.with_name("truth.duckdb"), seed=3, customers=120))
    served.control("advance", {"days": 30})
    newsletter = served.klaviyo("GET", "/lists")["data"][1]["id"]
    seen = Counter()
    for path, params in {
        "/accounts": {},
        "/lists": {"include": "flow-triggers"},
        f"/lists/{newsletter}": {"include": "flow-triggers", "additional-fields[list]": "profile_count"},
        f"/lists/{newsletter}/profiles": {"page[size]": 100, "additional-fields[profile]": "subscriptions"},
        f"/lists/{newsletter}/relationships/profiles": {"page[size]": 100},
        "/profiles": {"page[size]": 100, "additional-fields[profile]": "subscriptions", "sort": "updated"},
        "/metrics": {},
        "/events": {"page[size]": 1000, "include": "metric,profile", "sort": "datetime"},
        "/campaigns": {"filter": "equals(messages.channel,'email')"},
        "/segments": {},
    }.items():
        answer = served.klaviyo("GET", path, **params)
        while answer:
            data = answer["data"] if isinstance(answer["data"], list) else [answer["data"]]
            seen.update(one["type"] for one in data)
            following = answer["links"].get("next")
            answer = served.call("GET", following.removeprefix(served.url)).json() if following else None
    assert seen["profile"] > 100 and seen["event"] > 500 and seen["campaign"] > 10
