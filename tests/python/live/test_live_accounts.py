"""One account is looked at: what its credentials allow, and a harmless read of each kind."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from ingestion.probe import probe
from ingestion.salesforce.settings import RESOURCES
from mailhouse.cli import main
from mailhouse.clock import SystemClock
from mailhouse.live import examine_live
from mailhouse.live.examine import ACCOUNTS
from mailhouse.oauth.store import Grant, Grants, new_key
from mailhouse.sandbox.hubspot import SCOPES as HUBSPOT
from mailhouse.sandbox.runtime import Runtime
from mailhouse.sandbox.salesforce_permissions import PERMISSIONS
from mailhouse.sandbox.sendgrid_scopes import SCOPES as SENDGRID
from mailhouse.sandbox.shopify_scopes import SCOPES as SHOPIFY
from mailhouse.settings import Connection
from mailhouse.vendors.salesforce_objects import TABLES
from tests.python.serving import Serving

NOW = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
STATES = ("hubspot.scopes", "shopify.scopes", "sendgrid.scopes", PERMISSIONS)


class Vendors:
    """All vendors in one sandbox, from in front and from behind."""

    def __init__(self, folder):
        self.runtime = Runtime(folder)
        self.runtime.store.set_now(NOW)
        self.serving = Serving(self.runtime)

    def forget(self):
        for state in STATES:
            self.runtime.store.meta_set(state, None)
        self.runtime.faults.replace([])

    def connection(self, vendor, **settings):
        secrets = self.runtime.secrets[vendor]
        names = {name: f"TEST_NOT_SET_{name.upper()}" for name in secrets}
        return Connection(vendor, vendor, f"{self.serving.url}/{vendor}", settings, names, secrets, lives_in_sandbox=True)

    def allow(self, vendor, everything, *but):
        self.runtime.store.meta_set(f"{vendor}.scopes", [one for one in everything if one not in but])

    def refuse(self, vendor, path, status="403"):
        self.runtime.faults.replace([{"vendor": vendor, "path_contains": path, "do": status, "times": None}])

    def hide(self, **permissions):
        self.runtime.store.meta_set(PERMISSIONS, permissions)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    made = Vendors(tmp_path_factory.mktemp("live"))
    yield made
    made.serving.close()


@pytest.fixture
def vendors(sandbox):
    sandbox.forget()
    return sandbox


def look(connection):
    return list(examine_live(connection, probe, SystemClock()))


def bad(connection):
    return {one.subject: one.says for one in look(connection) if not one.is_good}


@pytest.mark.parametrize("vendor", ACCOUNTS)
def test_an_account_that_allows_everything_is_well(vendors, vendor):
    found = look(vendors.connection(vendor))
    assert [one for one in found if not one.is_good] == []
    assert found[0].subject == "round trip" and len(found) > 3
    assert vendors.runtime.effects.as_json()["effects"] == []


MISSING = {
    "hubspot": (lambda on: on.allow("hubspot", HUBSPOT, "crm.lists.write"), "scopes", "crm.lists.write; add them to the app"),
    "shopify": (lambda on: on.allow("shopify", SHOPIFY, "write_customers"), "scopes", "write_customers; add them to the app"),
    "sendgrid": (
        lambda on: on.allow("sendgrid", SENDGRID, "asm.suppressions.global.create"),
        "scopes",
        "asm.suppressions.global.create; give them to the key",
    ),
    "salesforce": (
        lambda on: on.hide(read_only=["Lead.HasOptedOutOfEmail"]),
        "opt out a Lead",
        "Lead.HasOptedOutOfEmail cannot be written: nobody's refusal could be told; give the app's user edit access to Lead",
    ),
    "klaviyo": (lambda on: on.refuse("klaviyo", "/api/events"), "read events", "the scope events:read"),
    "mailchimp": (lambda on: on.refuse("mailchimp", "/campaigns"), "read campaigns", "look at what the credentials allow"),
}


@pytest.mark.parametrize("vendor", ACCOUNTS)
def test_what_is_not_allowed_is_named_with_the_next_step(vendors, vendor):
    without, subject, says = MISSING[vendor]
    without(vendors)
    found = bad(vendors.connection(vendor))
    assert list(found) == [subject]
    assert says in found[subject] and "\n" not in found[subject]


READS = {
    "shopify": (lambda on: on.allow("shopify", SHOPIFY, "read_orders"), "read an order", "`read_orders` access scope"),
    "sendgrid": (
        lambda on: on.allow("sendgrid", SENDGRID, "asm.groups.read"),
        "read suppression groups",
        "the scope asm.groups.read",
    ),
    "salesforce": (lambda on: on.hide(hidden=["Case"]), "read Case", "give the app's user read access to Case"),
}


@pytest.mark.parametrize("vendor", READS)
def test_a_read_that_is_refused_names_what_it_wants(vendors, vendor):
    without, subject, says = READS[vendor]
    without(vendors)
    assert says in bad(vendors.connection(vendor))[subject]


@pytest.mark.parametrize("vendor", ACCOUNTS)
def test_a_round_trip_that_is_refused_is_the_only_line(vendors, vendor):
    connection = vendors.connection(vendor)
    wrong = replace(connection, sandbox_secrets=dict.fromkeys(connection.sandbox_secrets, "wrong-secret"))
    (found,) = look(wrong)
    assert (found.subject, found.is_good) == ("round trip", False)
    assert vendor in found.says and "\n" not in found.says and "wrong-secret" not in found.says


@pytest.mark.parametrize("vendor", ACCOUNTS)
def test_no_secret_is_said(vendors, vendor):
    connection = vendors.connection(vendor)
    vendors.refuse(vendor, "", "400")
    said = " ".join(one.says for one in look(connection))
    MISSING[vendor][0](vendors)
    said += " ".join(one.says for one in look(connection))
    assert [name for name, secret in connection.sandbox_secrets.items() if secret in said] == []
    # nor what a shop and an org grant for them
    assert "shpca_" not in said and "00DSb" not in said


def test_what_only_some_need_is_a_remark(vendors):
    vendors.allow("shopify", SHOPIFY, "read_all_orders")
    (scopes,) = [one for one in look(vendors.connection("shopify")) if one.subject == "scopes"]
    assert scopes.is_good and "without read_all_orders no order older than 60 days is seen" in scopes.says


def test_a_scope_to_write_is_enough_to_read(vendors):
    vendors.allow("shopify", SHOPIFY, "read_customers")
    assert bad(vendors.connection("shopify")) == {}


def test_what_a_setting_switches_off_is_not_asked_for(vendors):
    vendors.refuse("shopify", "abandonedCheckouts")
    subjects = [one.subject for one in look(vendors.connection("shopify", abandoned_checkouts=False))]
    assert "read a product" in subjects and "read an abandoned checkout" not in subjects
    vendors.allow("hubspot", HUBSPOT, "tickets", "content")
    assert list(bad(vendors.connection("hubspot"))) == ["scopes"]
    left_out = look(vendors.connection("hubspot", leave_out=["tickets", "email_events"]))
    assert [one for one in left_out if not one.is_good or one.subject in ("read tickets", "read mail events")] == []
    vendors.allow("sendgrid", SENDGRID, "mail.send", "asm.suppressions.global.create")
    assert bad(vendors.connection("sendgrid", suppression_group=1)) == {}
    assert "mail.send" in bad(vendors.connection("sendgrid", suppression_group=1, events={"order": "d-1"}))["scopes"]


def test_a_grant_of_klaviyos_is_held_against_what_is_asked_for(vendors, tmp_path, monkeypatch):
    monkeypatch.setenv("MAILHOUSE_TOKEN_KEY", new_key())
    own = {"client_id": "made-up", "client_secret": "made-up"}
    connection = replace(vendors.connection("klaviyo"), secret_names={"api_key": "oauth"}, sandbox_secrets=own, workdir=tmp_path)
    Grants(tmp_path).save("klaviyo", Grant("made-up-access", scopes=("accounts:read", "profiles:read")))
    found = {one.subject: one for one in examine_live(connection, lambda _: None, SystemClock())}
    assert not found["scopes"].is_good
    assert "lacks campaigns:read" in found["scopes"].says and "run `mailhouse connect klaviyo` again" in found["scopes"].says


def test_the_objects_that_are_asked_for_are_those_that_land():
    assert {one.sobject: one.table for one in RESOURCES} == TABLES


def test_the_command_fails_when_something_is_not_allowed(vendors, tmp_path, monkeypatch):
    secrets = {name: f"TEST_{name.upper()}" for name in ("client_id", "client_secret")}
    file = tmp_path / "connections.yml"
    url = f"{vendors.serving.url}/shopify"
    file.write_text(f"connections:\n  - {{id: shop, vendor: shopify, url: '{url}', secrets: {secrets}}}\n")
    monkeypatch.setenv("MAILHOUSE_CONNECTIONS", str(file))
    for name, variable in secrets.items():
        monkeypatch.setenv(variable, vendors.runtime.secrets["shopify"][name])
    command = ["--workdir", str(tmp_path / "work"), "doctor", "--live", "shop"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    vendors.allow("shopify", SHOPIFY, "write_customers")
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 1 and "lacks write_customers" in " ".join(done.output.split())
