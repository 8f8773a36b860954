"""Tables of somebody's own: what tables.yml may say, what lands of a database and of files, and what is gone or set aside."""

import json
import sqlite3
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from ingestion.own_tables.mapping import MappingMistaken, read_mapping

PEOPLE = """
  - {connection: crm, table: people, kind: contacts, key: number, columns: {email: mail, first_name: given, updated_at: changed}}
"""


class Database:
    """A SQLite file of the test's own."""

    def __init__(self, path):
        self.url = f"sqlite:///{path}"
        self._path = path

    def run(self, statement, rows=()):
        with sqlite3.connect(self._path) as db:
            db.executemany(statement, rows) if rows else db.execute(statement)


@pytest.fixture
def crm(place, tmp_path):
    database = Database(tmp_path / "crm.db")
    database.run("create table people (number integer primary key, mail text, given text, changed timestamp)")
    people = [(number, f"p{number}@mail.example", f"P{number}", "2026-01-01 10:00:00") for number in range(1, 6)]
    database.run("insert into people values (?, ?, ?, ?)", people)
    place.connect("database", database.url, identifier="crm", secrets={})
    return database


@pytest.fixture
def drop(place, tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    place.connect("files", str(folder), identifier="exports", secrets={})

    def put(name, content):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder / name

    return put


def say(place, entries):
    (place.path / "tables.yml").write_text(f"tables:{entries}", encoding="utf-8")


def landed(place, connection):
    done = place.land()[connection]
    assert done.error is None, done.error
    return done.rows


def ids(place, table, schema="database"):
    gone = f"select id from raw_{schema}.removed where resource = '{table}'"
    return [row[0] for row in place.rows(f"select id from raw_{schema}.{table} where id not in ({gone}) order by id")]


def test_a_table_read_as_a_whole_loses_what_is_no_longer_there(place, crm):
    say(place, PEOPLE)
    assert landed(place, "crm")["contacts"] == 5
    assert place.rows("select email, first_name, updated_at from raw_database.contacts where id = 'people:1'") == [
        ("p1@mail.example", "P1", datetime.fromisoformat("2026-01-01T10:00:00+00:00"))
    ]
    crm.run("delete from people where number = 2")
    landed(place, "crm")
    assert ids(place, "contacts") == ["people:1", "people:3", "people:4", "people:5"]
    crm.run("insert into people values (2, 'back@mail.example', 'Back', null)")
    landed(place, "crm")
    assert len(ids(place, "contacts")) == 5


def test_half_a_table_is_no_deletion(place, crm):
    crm.run("insert into people values (?, ?, null, null)", [(number, f"q{number}@mail.example") for number in range(10, 110)])
    say(place, PEOPLE)
    landed(place, "crm")
    crm.run("delete from people where number > 20")
    error = place.land()["crm"].error
    assert "gone at once" in str(error) and "\n" not in str(error)
    assert place.one("select count(*) from raw_database.removed") == 0


def test_with_a_cursor_only_what_is_newer_is_read(place, crm):
    say(place, PEOPLE.replace("key: number", "key: number, cursor: changed"))
    assert landed(place, "crm")["contacts"] == 5
    crm.run("update people set given = 'New', changed = '2026-02-01 10:00:00' where number = 3")
    crm.run("delete from people where number = 1")
    # the newest moment is read again: the five of the first day
    assert landed(place, "crm")["contacts"] == 4
    assert landed(place, "crm")["contacts"] == 1
    assert place.one("select first_name from raw_database.contacts where id = 'people:3'") == "New"
    assert len(ids(place, "contacts")) == 5


def test_a_bad_row_is_set_aside_and_is_no_deletion(place, crm):
    crm.run("create table sales (id text, who integer, at text, worth real, money text)")
    good = ("a", 1, "2026-03-01T10:00:00Z", 19.99, "EUR")
    bad = [
        ("b", 1, "soon", 5, "EUR"),
        (None, 1, "2026-03-01", 5, "EUR"),
        ("c", 1, None, 5, "EUR"),
        ("d", 1, "2026-03-01", "x", "EUR"),
    ]
    crm.run("insert into sales values (?, ?, ?, ?, ?)", [good, *bad])
    columns = "{contact_id: who, ordered_at: at, gross_amount: worth, currency: money}"
    say(place, f"{PEOPLE}\n  - {{connection: crm, table: sales, kind: orders, key: id, columns: {columns}}}")
    landed(place, "crm")
    found = place.rows("select id, contact_id, gross_amount from raw_database.orders")
    assert found == [("sales:a", "people:1", Decimal("19.99"))]
    assert place.rows("select position, reason from raw_database.quarantine order by 1, 2") == [
        (2, "ordered_at is no timestamp"), (3, "key id is missing"), (4, "ordered_at is missing"),
        (5, "gross_amount is no decimal"),
    ]  # fmt: skip
    assert place.one("select count(*) from raw_database.removed") == 0


def test_two_connections_with_the_same_ids_do_not_collide(place, crm, tmp_path):
    other = Database(tmp_path / "other.db")
    other.run("create table people (number integer primary key, mail text, given text, changed timestamp)")
    other.run("insert into people values (1, 'else@mail.example', 'Else', null)")
    place.connect("database", other.url, identifier="second", secrets={})
    say(place, PEOPLE + PEOPLE.replace("connection: crm", "connection: second, name: their_people"))
    landed(place, "second")
    found = place.rows("select connection_id, id, email from raw_database.contacts where id like '%:1' order by all")
    assert found == [("crm", "people:1", "p1@mail.example"), ("second", "their_people:1", "else@mail.example")]


def test_csv_jsonl_and_parquet_land_in_one_shape(place, drop):
    drop("a.csv", "id;mail\n1;ann@mail.example\n2;\n")
    drop("b.jsonl", '{"id": 3, "mail": "cy@mail.example"}\nbroken\n')
    parquet.write_table(pa.table({"id": [4], "mail": ["dee@mail.example"]}), drop("c.parquet", b""))
    kinds = {"csv": "a.csv", "jsonl": "b.jsonl", "parquet": "c.parquet"}
    lines = [
        f"\n  - {{connection: exports, name: {name}, table: {file}, kind: contacts, key: id, delimiter: ';',"
        " columns: {email: mail}}"
        for name, file in kinds.items()
    ]
    say(place, "".join(lines))
    assert landed(place, "exports")["contacts"] == 4
    found = place.rows("select id, email from raw_files.contacts order by 1")
    assert found == [
        ("csv:1", "ann@mail.example"),
        ("csv:2", None),
        ("jsonl:3", "cy@mail.example"),
        ("parquet:4", "dee@mail.example"),
    ]
    assert place.rows("select origin, position, reason from raw_files.quarantine") == [("b.jsonl", 2, "key id is missing")]
    assert landed(place, "exports").get("contacts", 0) == 0


def test_files_that_are_the_whole_table_lose_what_is_no_longer_there(place, drop):
    drop("p1.csv", "id,mail\n1,a@mail.example\n2,b@mail.example\n")
    drop("p2.csv", "id,mail\n3,c@mail.example\n")
    say(
        place,
        "\n  - {connection: exports, name: p, table: 'p*.csv', kind: contacts, key: id, whole: true, columns: {email: mail}}",
    )
    landed(place, "exports")
    landed(place, "exports")
    assert ids(place, "contacts", "files") == ["p:1", "p:2", "p:3"]
    drop("p1.csv", "id,mail\n1,a@mail.example\n")
    landed(place, "exports")
    assert ids(place, "contacts", "files") == ["p:1", "p:3"]


def test_an_enrichment_is_a_row_for_each_value(place, drop):
    drop("cards.jsonl", json.dumps({"card": 9, "mail": "ann@mail.example", "points": 120, "tier": "gold", "since": None}))
    columns = "{email: mail, loyalty_points: points, loyalty_tier: tier, member_since: since}"
    say(place, f"\n  - {{connection: exports, table: cards.jsonl, kind: enrichment, key: card, columns: {columns}}}")
    landed(place, "exports")
    assert place.rows("select id, email, name, value from raw_files.enrichment order by name") == [
        ("cards:9:loyalty_points", "ann@mail.example", "loyalty_points", "120"),
        ("cards:9:loyalty_tier", "ann@mail.example", "loyalty_tier", "gold"),
        ("cards:9:member_since", "ann@mail.example", "member_since", None),
    ]


TABLE = "connection: crm, table: t"
EVENTS = f"{TABLE}, kind: events, key: id"
MISTAKES = {
    "unknown key `colums`": f"{TABLE}, kind: contacts, key: id, colums: {{}}, columns: {{email: mail}}",
    "kind `people` is none of": f"{TABLE}, kind: people, key: id, columns: {{email: mail}}",
    "connection `shop` is no database": "connection: shop, table: t, kind: contacts, key: id, columns: {email: mail}",
    "say the `key`": f"{TABLE}, kind: contacts, columns: {{email: mail}}",
    "contacts have no column `mail`": f"{TABLE}, kind: contacts, key: id, columns: {{mail: email, phone: p}}",
    "contacts need `email` or `phone`": f"{TABLE}, kind: contacts, key: id, columns: {{city: town}}",
    "orders need `currency`": f"{TABLE}, kind: orders, key: id, columns: {{email: m, ordered_at: a, gross_amount: g}}",
    "`cursor` reads a part and `whole`": f"{TABLE}, kind: contacts, key: id, cursor: c, whole: true, columns: {{email: m}}",
    "say which one `contact_id`": f"{EVENTS}, columns: {{contact_id: c, name: n, occurred_at: o}}",
    "`contacts: x` is no table": f"{EVENTS}, contacts: x, columns: {{contact_id: c, name: n, occurred_at: o}}",
    "`Bad` must be lower-case": f"{TABLE}, kind: enrichment, key: id, columns: {{email: m, Bad: b}}",
    "say the `table`": "connection: crm, kind: contacts, key: id, columns: {email: m}",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_each_mistake_is_one_line_that_names_its_place(place, crm, words):
    say(place, f"\n  - {{{MISTAKES[words]}}}")
    with pytest.raises(MappingMistaken) as told:
        read_mapping(place.settings)
    lines = str(told.value).splitlines()
    assert len(lines) == 1 and words in lines[0] and lines[0].startswith("tables.yml")


def test_every_mistake_is_told_at_once(place, crm):
    say(place, "".join(f"\n  - {{{entry}, name: t{number}}}" for number, entry in enumerate(list(MISTAKES.values())[:5])))
    with pytest.raises(MappingMistaken) as told:
        read_mapping(place.settings)
    assert len(str(told.value).splitlines()) == 5


def test_a_table_or_column_that_is_not_there_is_one_line(place, crm):
    for words, entry in {"no table nowhere": "table: nowhere", "no column mail_2": "table: people"}.items():
        column = "mail_2" if "people" in entry else "mail"
        say(place, f"\n  - {{connection: crm, {entry}, kind: contacts, key: number, columns: {{email: {column}}}}}")
        assert words in str(place.land()["crm"].error)


def test_a_database_that_does_not_answer_is_one_line_without_its_password(place, tmp_path):
    place.connect("database", f"sqlite:///{tmp_path}/no/such/folder.db", identifier="crm", secrets={})
    say(place, PEOPLE)
    error = str(place.land()["crm"].error)
    assert "cannot be read" in error and "\n" not in error and "folder" not in error
