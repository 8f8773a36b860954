"""The company's Salesforce: who is in it, and how its days pass beside the other systems."""

from pathlib import Path

import duckdb
import pytest

from mailhouse.sandbox import company
from mailhouse.sandbox.company import salesforce, salesforce_day
from mailhouse.sandbox.store import Row, Store


class Org:
    """A company of one seed, and its Salesforce."""

    def __init__(self, directory: Path, customers: int = 600) -> None:
        directory.mkdir(exist_ok=True)
        self.truth_path = directory / "truth.duckdb"
        self.store = Store(directory / "state.db")
        company.seed(self.store, self.truth_path, seed=7, customers=customers)

    def advance(self, days: int) -> "Org":
        self.summary = company.advance(self.store, self.truth_path, days)
        return self

    def rows(self, kind: str, *, deleted: bool | None = None) -> list[Row]:
        return self.store.page(f"salesforce.{kind}", limit=-1, deleted=deleted)

    def everything(self, where: str) -> list[tuple]:
        return self.store.query(f"select * from object where {where} order by kind, id, parent", ())

    def truth(self, table: str = "salesforce_truth") -> list[tuple]:
        with duckdb.connect(str(self.truth_path), read_only=True) as connection:
            return connection.execute(f"select * from {table} order by all").fetchall()


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Org:
    return Org(tmp_path_factory.mktemp("org"))


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Org:
    return Org(tmp_path_factory.mktemp("later")).advance(60)


def test_a_moderate_share_of_the_people_is_in_it(org: Org) -> None:
    contacts, leads = org.rows("Contact"), org.rows("Lead")
    assert 30 <= len(contacts) <= 120 and 30 <= len(leads) <= 120
    people = {person for _, _, person, _ in org.truth()}
    assert len(people) < len(contacts) + len(leads) == len(org.truth())
    converted = [row for row in leads if row.body["IsConverted"]]
    assert converted and {row.body["ConvertedContactId"] for row in converted} <= {row.id for row in contacts}
    assert any(row.body["HasOptedOutOfEmail"] for row in (*contacts, *leads))


def test_what_hangs_on_people_names_records_that_there_are(org: Org) -> None:
    there = {row.id for kind in ("Contact", "Lead", "Account", "Campaign") for row in org.rows(kind)}
    fields = {"CampaignMember": ("CampaignId",), "Task": ("WhoId",), "Case": ("ContactId",), "Opportunity": ("AccountId",)}
    for kind, names in fields.items():
        rows = org.rows(kind)
        assert rows and {row.body[name] for row in rows for name in names} <= there, kind
    now = org.store.now().isoformat()[:19]
    assert all(str(row.updated_at)[:19] < now for kind in fields for row in org.rows(kind))


def test_days_change_convert_merge_and_delete(org: Org, later: Org) -> None:
    before = {row.id: row for kind in ("Contact", "Lead") for row in org.rows(kind)}
    after = {row.id: row for kind in ("Contact", "Lead") for row in later.rows(kind)}
    assert before.keys() < after.keys()
    gone = [row for row in after.values() if row.deleted]
    assert gone and any(row.body["MasterRecordId"] for row in gone)
    assert all(after[row.body["MasterRecordId"]] for row in gone if row.body["MasterRecordId"])
    converted = [key for key, row in before.items() if after[key].body.get("IsConverted") and not row.body.get("IsConverted")]
    assert converted
    assert all(before[key].updated_at <= after[key].updated_at for key in before)
    assert {record for _, record, _, _ in later.truth()} >= before.keys()


def test_one_day_after_another_is_the_same_as_many_at_once(tmp_path: Path) -> None:
    one, other = Org(tmp_path / "one", 200).advance(20), Org(tmp_path / "other", 200).advance(11).advance(9)
    assert one.everything("kind like 'salesforce.%'") == other.everything("kind like 'salesforce.%'")
    assert one.truth() == other.truth()


def test_the_other_systems_are_what_they_are_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_it = Org(tmp_path / "with", 200).advance(10)
    monkeypatch.setattr(salesforce, "fill", lambda *_: [])
    monkeypatch.setattr(salesforce_day, "live", lambda *_: None)
    without = Org(tmp_path / "without", 200).advance(10)
    assert without.rows("Contact") == []
    others = "kind not like 'salesforce.%'"
    assert with_it.everything(others) == without.everything(others)
    for table in ("truth", "klaviyo_truth", "people"):
        assert with_it.truth(table) == without.truth(table)
