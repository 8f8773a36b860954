"""Salesforce as the sandbox plays it: sessions, SOQL, pages, records, bulk jobs, and its own words for no."""

import csv
import io
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mailhouse.sandbox.salesforce_auth import JWT_BEARER, trust
from mailhouse.sandbox.salesforce_changes import merge_into
from mailhouse.sandbox.salesforce_objects import OBJECTS, identifier
from tests.python.sandbox.salesforce_org import DATA, NOW, Caller, contact, fill


@pytest.fixture
def served(sandbox_factory):
    return sandbox_factory(fill)


@pytest.fixture
def org(served):
    return Caller(served.url, served.runtime.secrets["salesforce"])


def error(answer, status):
    assert answer.status_code == status, answer.text
    return answer.json()[0]["errorCode"]


def test_a_session_is_granted_for_the_secret_and_ends(served, org):
    assert org.granted.json()["token_type"] == "Bearer"
    secrets = served.runtime.secrets["salesforce"]
    wrong = org.grant({"grant_type": "client_credentials", "client_id": secrets["client_id"], "client_secret": "no"})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_client")
    assert org.grant({"grant_type": "password"}).json()["error"] == "unsupported_grant_type"
    basic = org.grant({"grant_type": "client_credentials"}, auth=(secrets["client_id"], secrets["client_secret"]))
    assert basic.status_code == 200
    served.control("ticks", {"seconds": 7201})
    assert error(org.call("GET", f"{DATA}/limits"), 401) == "INVALID_SESSION_ID"


def test_an_assertion_is_verified_to_the_last(served, org):
    key, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    secrets = served.runtime.secrets["salesforce"]
    said = {"iss": secrets["client_id"], "sub": secrets["username"], "aud": "https://login.salesforce.com"}
    said["exp"] = int((NOW + timedelta(minutes=3)).timestamp())

    def asked(signer=key, **changed):
        assertion = jwt.encode({**said, **changed}, signer, algorithm="RS256")
        answer = org.grant({"grant_type": JWT_BEARER, "assertion": assertion})
        return answer.json().get("error_description", answer.status_code)

    assert asked() == "no certificate is uploaded for this app"
    trust(served.store, public.decode())
    assert asked() == 200
    assert asked(other) == "invalid assertion"
    assert asked(exp=int((NOW - timedelta(minutes=1)).timestamp())) == "expired assertion"
    assert asked(aud="https://elsewhere.example") == "audience is invalid"
    assert asked(sub="somebody@else.example") == "user hasn't approved this consumer"
    assert asked(iss="another app") == "client identifier invalid"


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Email = 'CONTACT2@example.org'", [2]),
        ("LastName IN ('last1', 'Last5')", [1, 5]),
        ("LastName NOT IN ('Last1')", [2, 3, 4, 5, 6, 7]),
        ("HasOptedOutOfEmail = true", [3]),
        ("NOT HasOptedOutOfEmail = false", [3]),
        ("FirstName LIKE 'first_' AND (LastName = 'Last1' OR LastName = 'Last2')", [1, 2]),
        ("Title = null", [1, 2, 3, 4, 5, 6, 7]),
        ("Title != null", []),
        ("Title != 'Boss' AND LastName > 'Last6'", [7]),
        ("SystemModstamp >= 2026-03-01T10:25:00Z", [5, 6, 7]),
        ("SystemModstamp < 2026-03-01T11:22:00.000+01:00", [1]),
        (r"LastName = 'O\'Neil'", []),
    ],
)
def test_conditions(org, where, found):
    assert sorted(org.ids(f"SELECT Id FROM Contact WHERE {where}")) == found


def test_order_limit_and_names_in_any_case(org):
    assert org.ids("select id from contact order by systemmodstamp desc, Id limit 2 offset 1") == [6, 5]
    (one,) = org.ask("SELECT firstname, Id, CreatedDate FROM Contact WHERE Id = '003Sb0000000001IAA'")["records"]
    assert list(one) == ["attributes", "FirstName", "Id", "CreatedDate"]
    assert one["attributes"] == {"type": "Contact", "url": f"{DATA}/sobjects/Contact/003Sb0000000001IAA"}
    assert one["CreatedDate"] == "2026-03-01T10:21:00.000+0000"


def test_totals(org):
    assert org.ask("SELECT COUNT() FROM Contact") == {"totalSize": 7, "done": True, "records": []}
    (one,) = org.ask("SELECT COUNT(Id) n, MAX(SystemModstamp) latest FROM Contact")["records"]
    assert (one["n"], one["latest"]) == (7, "2026-03-01T10:27:00.000+0000")


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"),
        ("SELECT FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact LIMIT many", "MALFORMED_QUERY"),
        ('SELECT Id FROM Contact WHERE LastName = "x"', "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE LastName = 'a' AND LastName = 'b' OR LastName = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id, COUNT(Id) FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Nothing FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE SystemModstamp > '2026-03-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE HasOptedOutOfEmail = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Customer", "INVALID_TYPE"),
        ("", "MALFORMED_QUERY"),
    ],
)
def test_what_is_no_query_is_refused_in_a_list(org, soql, code):
    answer = org.ask(soql, status=400)
    assert [one["errorCode"] for one in answer] == [code] and answer[0]["message"]


def test_pages_go_on_by_next_records_url(sandbox_factory):
    served = sandbox_factory(lambda store: fill(store, 45), "small")
    org = Caller(served.url, served.runtime.secrets["salesforce"])
    page = org.ask("SELECT Id FROM Contact ORDER BY Id")
    assert (page["totalSize"], page["done"], len(page["records"])) == (45, False, 20)
    first = page["nextRecordsUrl"]
    seen = [one["Id"] for one in page["records"]]
    while not page["done"]:
        page = org.call("GET", page["nextRecordsUrl"]).json()
        seen += [one["Id"] for one in page["records"]]
    assert seen == [identifier("003", number) for number in range(1, 46)]
    for _ in range(11):
        org.ask("SELECT Id FROM Contact")
    assert error(org.call("GET", first), 400) == "INVALID_QUERY_LOCATOR"
    # a session of the small profile lives for so many calls
    assert [org.call("GET", f"{DATA}/limits").status_code for _ in range(12)][-1] == 401


def test_the_recycle_bin_is_seen_by_query_all_alone(served, org):
    of = OBJECTS["Contact"]
    assert org.call("DELETE", f"{DATA}/sobjects/Contact/{identifier('003', 5)}").status_code == 204
    merge_into(served.store, of, *(served.store.get(of.kind, identifier("003", number)) for number in (1, 3)))
    assert org.ids("SELECT Id FROM Contact ORDER BY Id") == [1, 2, 4, 6, 7]
    assert org.ids("SELECT Id FROM Contact WHERE IsDeleted = true ORDER BY Id", "queryAll") == [3, 5]
    asked = "SELECT MasterRecordId, SystemModstamp FROM Contact WHERE LastName = 'Last3'"
    (merged,) = org.ask(asked, "queryAll")["records"]
    assert merged["MasterRecordId"] == identifier("003", 1)
    assert merged["SystemModstamp"] == "2026-03-01T12:00:00.000+0000"
    # an opt-out outlives the record that it was said to
    (master,) = org.ask("SELECT HasOptedOutOfEmail FROM Contact WHERE LastName = 'Last1'")["records"]
    assert master["HasOptedOutOfEmail"] is True


def test_records_are_changed_by_200_and_each_is_answered_for_itself(org):
    ids = [identifier("003", 1), identifier("00Q", 2), identifier("003", 99), identifier("003", 2)]
    records = [{"attributes": {"type": "Contact" if one[:3] == "003" else "Lead"}, "id": one} for one in ids]
    for one in records[:3]:
        one["HasOptedOutOfEmail"] = True
    records[3]["Nonsense"] = 1
    answers = org.call("PATCH", f"{DATA}/composite/sobjects", {"allOrNone": False, "records": records}).json()
    assert [one["success"] for one in answers] == [True, False, False, False]
    codes = [one["errors"][0]["statusCode"] for one in answers[1:]]
    assert codes == ["CANNOT_UPDATE_CONVERTED_LEAD", "INVALID_CROSS_REFERENCE_KEY", "INVALID_FIELD"]
    history = org.ask("SELECT Field, NewValue, ContactId FROM ContactHistory")["records"]
    assert [(one["Field"], one["NewValue"], one["ContactId"]) for one in history] == [("HasOptedOutOfEmail", True, ids[0])]
    too_many = org.call("PATCH", f"{DATA}/composite/sobjects", {"records": records * 51})
    assert error(too_many, 400) == "EXCEEDED_ID_LIMIT"


def test_a_write_of_what_is_there_already_is_no_change(served, org):
    before = served.store.get("salesforce.Contact", identifier("003", 3)).updated_at
    served.store.set_now(NOW + timedelta(hours=1))
    assert org.call("PATCH", f"{DATA}/sobjects/Contact/{identifier('003', 3)}", {"HasOptedOutOfEmail": True}).status_code == 204
    assert served.store.get("salesforce.Contact", identifier("003", 3)).updated_at == before


def test_the_calls_of_a_day_are_counted_and_refused_with_a_403(served, org):
    served.control("limits", {"salesforce": {"calls_per_day": 3}})
    answers = [org.call("GET", f"{DATA}/limits") for _ in range(4)]
    assert [one.headers["Sforce-Limit-Info"] for one in answers[:3]] == [f"api-usage={n}/3" for n in (1, 2, 3)]
    assert error(answers[3], 403) == "REQUEST_LIMIT_EXCEEDED"
    assert answers[2].json()["DailyApiRequests"] == {"Max": 3, "Remaining": 0}


def test_what_is_not_there_is_said_in_salesforce_s_words(org):
    assert error(org.call("GET", "/services/data/v12.0/limits"), 404) == "NOT_FOUND"
    assert error(org.call("GET", f"{DATA}/sobjects/Nothing/describe"), 404) == "NOT_FOUND"
    assert error(org.call("GET", f"{DATA}/elsewhere"), 404) == "NOT_FOUND"
    assert error(org.call("PUT", f"{DATA}/limits"), 405) == "METHOD_NOT_ALLOWED"
    described = org.call("GET", f"{DATA}/sobjects/contact/describe").json()
    assert {"Preferred_Store__c", "SystemModstamp"} <= {one["name"] for one in described["fields"]}


def test_a_bulk_query_is_started_polled_and_fetched_in_pieces(served, org):
    served.control("limits", {"salesforce": {"bulk_polls": 1, "bulk_rows": 3}})
    contact(served.store, 8, 1, FirstName='A "quoted", name', LastName="Line\nbreak")
    job = org.call("POST", f"{DATA}/jobs/query", {"operation": "query", "query": "SELECT Id, FirstName FROM Contact"}).json()
    path = f"{DATA}/jobs/query/{job['id']}"
    assert error(org.call("GET", f"{path}/results"), 400) == "INVALIDJOBSTATE"
    assert [org.call("GET", path).json()["state"] for _ in range(2)] == ["InProgress", "JobComplete"]
    rows, locator = [], "0"
    while locator != "null":
        piece = org.call("GET", f"{path}/results", params={"locator": locator})
        rows += list(csv.DictReader(io.StringIO(piece.text)))
        locator = piece.headers["Sforce-Locator"]
    assert len(rows) == 8 and rows[-1]["FirstName"] == 'A "quoted", name'
    assert error(org.call("POST", f"{DATA}/jobs/query", {"operation": "query", "query": "SELECT COUNT() FROM Lead"}), 400)


def test_a_hard_delete_goes_past_the_bin_where_the_permission_is_given(served, org):
    asked = {"object": "Contact", "operation": "hardDelete", "contentType": "CSV", "lineEnding": "LF"}
    job = org.call("POST", f"{DATA}/jobs/ingest", asked).json()
    path = f"{DATA}/jobs/ingest/{job['id']}"
    lines = f"Id\n{identifier('003', 1)}\n{identifier('003', 99)}\n"
    assert org.call("PUT", f"{path}/batches", data=lines, headers={"Content-Type": "text/csv"}).status_code == 201
    done = org.call("PATCH", path, {"state": "UploadComplete"}).json()
    assert (done["state"], done["numberRecordsProcessed"], done["numberRecordsFailed"]) == ("JobComplete", 2, 1)
    failed = list(csv.DictReader(io.StringIO(org.call("GET", f"{path}/failedResults").text)))
    assert [one["sf__Id"] for one in failed] == [identifier("003", 99)]
    assert 1 not in org.ids("SELECT Id FROM Contact", "queryAll")
    # what hung on the contact goes with it
    assert org.ids("SELECT Id FROM CampaignMember", "queryAll") == []
    served.control("limits", {"salesforce": {"hard_delete": False}})
    assert error(org.call("POST", f"{DATA}/jobs/ingest", asked), 400) == "FEATURENOTENABLED"
