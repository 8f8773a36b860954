"""A grant in the browser: what is asked for, what comes back, where it is kept, and who is not believed."""

import threading
from dataclasses import replace

import pytest
import requests
from click.testing import CliRunner

from ingestion.probe import probe
from mailhouse.cli import main
from mailhouse.clock import SystemClock
from mailhouse.errors import ConfigurationError, CredentialsMissing, CredentialsRejected, StateUnreadable
from mailhouse.live import examine_live
from mailhouse.oauth import tokens
from mailhouse.oauth.browser import granted
from mailhouse.oauth.exchange import GrantRefused, of_code
from mailhouse.oauth.store import Grants, new_key
from mailhouse.oauth.vendors import VENDORS, manners_of
from tests.python.oauth.conftest import user

CLOCK = SystemClock()
CONNECTIONS = """
connections:
  - id: hubspot
    vendor: hubspot
    url: {url}/hubspot
    secrets: {{token: oauth, client_id: TEST_CLIENT_ID, client_secret: TEST_CLIENT_SECRET}}
    settings: {{oauth: {{authorize_url: /oauth/authorize}}}}
"""


def test_what_is_granted_in_the_browser_is_good_for_landing_and_kept_where_nobody_can_read_it(portal):
    connection = portal.connection()
    grant = granted(connection, user(), CLOCK, port=0)
    portal.grants().save(connection.id, grant)
    assert connection.secret("token") == grant.access_token
    probe(connection)
    kept = (portal.workdir / "oauth.db").read_bytes()
    assert grant.access_token.encode() not in kept and grant.refresh_token.encode() not in kept
    assert set(grant.scopes) == set(VENDORS["hubspot"].scopes)
    assert (portal.workdir / "oauth.db").stat().st_mode & 0o077 == 0


def test_the_command_keeps_the_grant_and_doctor_says_what_it_allows(portal, tmp_path, monkeypatch):
    file = tmp_path / "connections.yml"
    file.write_text(CONNECTIONS.format(url=portal.serving.url))
    monkeypatch.setenv("MAILHOUSE_CONNECTIONS", str(file))
    for name in ("client_id", "client_secret"):
        monkeypatch.setenv(f"TEST_{name.upper()}", portal.runtime.secrets["hubspot"][name])
    monkeypatch.setattr("webbrowser.open", user())
    done = CliRunner().invoke(main, ["--workdir", str(portal.workdir), "connect", "hubspot", "--port", "0"])
    assert done.exit_code == 0, done.output
    grant = portal.grants().get("hubspot")
    assert grant is not None
    assert portal.accepts(grant.access_token)
    assert grant.access_token not in done.output
    done = CliRunner().invoke(main, ["--workdir", str(portal.workdir), "doctor", "--live", "hubspot"])
    assert done.exit_code == 0, done.output
    assert "all 11 that landing and sync ask for" in " ".join(done.output.split())


def test_doctor_names_a_scope_that_is_missing(portal):
    secrets = {"token": portal.runtime.secrets["hubspot"]["token"]}
    connection = replace(portal.connection(), secret_names={"token": "TEST_TOKEN"}, sandbox_secrets=secrets)
    findings = list(examine_live(connection, probe, CLOCK))
    assert [one.subject for one in findings if not one.is_good] == []
    portal.runtime.store.meta_set("hubspot.scopes", ["crm.objects.contacts.read"])
    (bad,) = [one for one in examine_live(connection, probe, CLOCK) if not one.is_good]
    assert bad.subject == "scopes" and "crm.lists.write" in bad.says
    portal.runtime.faults.replace([{"vendor": "hubspot", "path_contains": "/deals", "do": "403", "times": None}])
    assert [one.subject for one in examine_live(connection, probe, CLOCK) if not one.is_good] == ["scopes", "read deals"]


@pytest.mark.parametrize("changed", [{"state": "another"}, {"state": ""}])
def test_an_answer_without_our_state_is_nobodys(portal, changed):
    with pytest.raises(CredentialsRejected, match="nobody answered"):
        granted(portal.connection(), user(**changed), CLOCK, port=0, patience=1.5)


def test_a_user_who_says_no_grants_nothing(portal):
    with pytest.raises(CredentialsRejected, match="nothing was granted \\(access_denied\\)"):
        granted(portal.connection(), user(code="", error="access_denied"), CLOCK, port=0)


def test_a_code_is_worth_something_once_and_only_with_its_verifier(portal):
    connection = portal.connection(has_pkce=True)
    manners = manners_of(connection)
    caught: list[str] = []

    def keeps(address: str) -> None:
        caught.append(address)
        user()(address)

    assert granted(connection, keeps, CLOCK, port=0).access_token
    assert "code_challenge_method=S256" in caught[0]
    redirect = "http://localhost:8718/callback"
    for verifier in ("", "another"):
        with requests.Session() as session:
            session.trust_env = False
            asked = {"client_id": connection.secret("client_id"), "redirect_uri": redirect, "state": "s", "code_challenge": "c"}
            answer = session.get(manners.authorize_url, params=asked, allow_redirects=False, timeout=120)
        code = answer.headers["Location"].partition("code=")[2].partition("&")[0]
        with pytest.raises(GrantRefused):
            of_code(connection, manners, code, redirect, verifier, CLOCK)


def test_a_vendor_that_wants_the_client_in_the_header_is_given_it_there(portal):
    assert granted(portal.connection(in_header=True), user(), CLOCK, port=0).access_token


def test_without_a_key_or_with_another_one_nothing_is_read(portal, monkeypatch):
    connection = portal.connection()
    portal.grants().save(connection.id, granted(connection, user(), CLOCK, port=0))
    tokens.forget(connection)
    monkeypatch.setenv("MAILHOUSE_TOKEN_KEY", new_key())
    with pytest.raises(StateUnreadable, match="another key"):
        connection.secret("token")
    monkeypatch.setenv("MAILHOUSE_TOKEN_KEY", "not a key")
    with pytest.raises(ConfigurationError, match="is no key"):
        connection.secret("token")
    monkeypatch.delenv("MAILHOUSE_TOKEN_KEY")
    with pytest.raises(CredentialsMissing, match="--new-key"):
        connection.secret("token")


def test_what_was_never_granted_says_what_to_do(portal):
    tokens.forget(portal.connection())
    with pytest.raises(CredentialsMissing, match="run `mailhouse connect hubspot`"):
        portal.connection().secret("token")


def test_a_port_that_is_taken_says_so(portal):
    held = threading.Event()
    first = granted.__globals__["Callback"](0, "state")
    with first, pytest.raises(ConfigurationError, match="is taken"):
        granted(portal.connection(), lambda _: held.set(), CLOCK, port=first.server_address[1])
    assert not held.is_set()


def test_grants_of_two_connections_do_not_meet(portal):
    connection = portal.connection()
    grant = granted(connection, user(), CLOCK, port=0)
    Grants(portal.workdir).save("one", grant)
    assert Grants(portal.workdir).get("two") is None
