"""`simple-salesforce`, a client that we did not write, finds in the sandbox what it expects; it insists on https."""

import gc
import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound

from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.salesforce_auth import trust
from mailhouse.sandbox.salesforce_objects import identifier
from tests.python.sandbox.salesforce_org import fill
from tests.python.serving import Serving


class Org:
    """The sandbox over https, with the key of its app."""

    def __init__(self, folder: Path) -> None:
        self._sessions: list[requests.Session] = []
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.runtime = Runtime(folder / "sandbox")
        fill(self.runtime.store, 250)
        public = self.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        trust(self.runtime.store, public.decode())
        self.runtime.limits.change({"salesforce": {"query_rows": 200}})
        keyfile, self.certificate = folder / "key.pem", folder / "certificate.pem"
        keyfile.write_text(self.private_key)
        self.certificate.write_bytes(self._signed().public_bytes(serialization.Encoding.PEM))
        certified = {"ssl_keyfile": str(keyfile), "ssl_certfile": str(self.certificate)}
        # the SDK sleeps as long between two looks at a job as the server otherwise keeps a connection that is not used
        self.serving = Serving(self.runtime, timeout_keep_alive=60, **certified)

    @property
    def private_key(self) -> str:
        kind = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()

    def _signed(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
        now, own = datetime.now(UTC), x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        return builder.add_extension(own, critical=False).sign(self.key, hashes.SHA256())

    def session(self) -> requests.Session:
        """One that takes the sandbox for every host of Salesforce's, and knows its certificate."""
        session = requests.Session()
        session.trust_env, session.verify = False, str(self.certificate)
        session.mount("https://", Hosts(self.serving.url))
        self._sessions.append(session)
        return session

    def close(self) -> None:
        """End the clients' connections first: the server waits half a minute for those under TLS."""
        for session in self._sessions:
            session.close()
        # an answer that the SDK has streamed keeps its connection until it is found to be garbage
        gc.collect()
        self.serving.close()


class Hosts(HTTPAdapter):
    """Leads what is meant for a host of Salesforce's to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: requests.PreparedRequest, **more: object) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(str(request.url))
        if str(parts.hostname).endswith(".salesforce.com"):
            query = f"?{parts.query}" if parts.query else ""
            request.url = f"{self.url}/salesforce{parts.path}{query}"
        return super().send(request, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Org]:
    made = Org(tmp_path_factory.mktemp("org"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def salesforce(org: Org) -> Salesforce:
    """Logged in by an assertion that the SDK signs."""
    secrets = org.runtime.secrets["salesforce"]
    return Salesforce(
        username=secrets["username"],
        consumer_key=secrets["client_id"],
        privatekey=org.private_key,
        version="67.0",
        session=org.session(),
    )


def test_it_logs_in_by_the_app_s_secret_too(org):
    secrets = org.runtime.secrets["salesforce"]
    keys = {"consumer_key": secrets["client_id"], "consumer_secret": secrets["client_secret"]}
    client = Salesforce(**keys, domain="brook.my", version="67.0", session=org.session())
    assert client.limits()["DailyApiRequests"]["Max"] > 0
    assert client.api_usage["api-usage"].total == client.limits()["DailyApiRequests"]["Max"]


def test_it_queries_page_after_page(salesforce):
    first = salesforce.query("SELECT Id FROM Contact ORDER BY Id")
    assert (first["totalSize"], len(first["records"]), first["done"]) == (250, 200, False)
    assert len(salesforce.query_more(first["nextRecordsUrl"], True)["records"]) == 50
    everything = list(salesforce.query_all_iter("SELECT Id, Email FROM Contact ORDER BY Id"))
    assert [one["Id"] for one in everything] == [identifier("003", number) for number in range(1, 251)]


def test_it_makes_reads_changes_and_deletes_a_record(salesforce):
    made = salesforce.Contact.create({"LastName": "Weaver", "Email": "ivy@example.org"})
    assert made["success"]
    assert salesforce.Contact.get(made["id"])["Name"] == "Weaver"
    assert salesforce.Contact.update(made["id"], {"HasOptedOutOfEmail": True}) == 204
    assert salesforce.query("SELECT Id FROM Contact WHERE HasOptedOutOfEmail = true AND LastName = 'Weaver'")["totalSize"] == 1
    assert salesforce.Contact.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        salesforce.Contact.get(made["id"])
    binned = salesforce.query("SELECT IsDeleted FROM Contact WHERE LastName = 'Weaver'", include_deleted=True)
    assert [one["IsDeleted"] for one in binned["records"]] == [True]


def test_it_reads_what_an_object_is(salesforce):
    fields = {one["name"]: one for one in salesforce.Lead.describe()["fields"]}
    assert fields["IsConverted"]["type"] == "boolean"
    assert {"Contact", "Lead", "Case"} <= {one["name"] for one in salesforce.describe()["sobjects"]}


def test_it_understands_a_refusal(salesforce):
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.query("SELECT Nothing FROM Contact")
    assert refused.value.content[0]["errorCode"] == "INVALID_FIELD"


def test_it_runs_bulk_jobs(salesforce, org):
    pieces = list(salesforce.bulk2.Contact.query("SELECT Id, LastName FROM Contact ORDER BY Id", max_records=100, wait=1))
    assert [len(piece.splitlines()) for piece in pieces] == [101, 101, 51]
    # its ingest jobs write CSV and read what became of each line
    (done,) = salesforce.bulk2.Contact.hard_delete(records=[{"Id": identifier("003", 250)}], wait=1)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (1, 0)
    assert org.runtime.store.get("salesforce.Contact", identifier("003", 250)) is None
