"""The commands: what they print, what they ask, how they end. Consent is read as in a real run, and there is none here."""

import json

import pytest
from click.testing import CliRunner

from mailhouse import controls
from mailhouse.cli import main
from mailhouse.consent import Inbox
from mailhouse.settings import load_settings
from mailhouse.takeover import adopt
from mailhouse.warehouse import Warehouse
from tests.python.takeover.conftest import key

CONNECTIONS = """
connections:
  - id: mailchimp
    vendor: mailchimp
    url: {url}/mailchimp
    secrets: {{api_key: TEST_MAILCHIMP_KEY}}
    settings: {{price_per_contact: {{amount: "0.50", currency: EUR}}}}
  - id: klaviyo
    vendor: klaviyo
    url: {url}/klaviyo
    secrets: {{api_key: TEST_KLAVIYO_KEY}}
"""


@pytest.fixture
def command(project, monkeypatch):
    """Runs a command on the project as its operator would, on a clock that stands where the tests' does."""
    project.people(range(12))
    project.segment("vip", range(10))
    project.put(range(8), "VIP")
    project.put(range(10, 12), "VIP", status="unsubscribed")
    project.warehouse.execute("update marts.consent_status set decided_at = now()")
    (project.folder / "connections.yml").write_text(CONNECTIONS.format(url=project.esp.url))
    monkeypatch.setenv("MAILHOUSE_PROJECT", str(project.folder))
    monkeypatch.setenv("MAILHOUSE_WORKDIR", str(project.folder))
    monkeypatch.setenv("TEST_MAILCHIMP_KEY", project.connection.secret("api_key"))
    project.manifest()
    project.close()
    settings = load_settings(project.folder, project=project.folder)
    Inbox(settings.inbox_path).create()
    Warehouse(settings).publish()

    def run(*words: str, says: str | None = None):
        answer = CliRunner().invoke(main, list(words), input=says)
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
        return answer

    yield run
    project.open()


def test_inspect_prints_its_findings_and_leaves_files(project, command):
    answer = command("inspect", "mailchimp")
    assert answer.exit_code == 0
    assert "dead profiles cost 1.00 EUR" in answer.output
    document = json.loads((project.folder / "inspect" / "mailchimp.json").read_text())
    assert {one["kind"]: one["count"] for one in document["found"]} == {"missing": 2, "should_leave": 2, "dead": 2}
    assert json.loads(command("inspect", "mailchimp", "--json").output)["cost_of_the_dead"]["amount"] == "1.00"


def test_adopt_shows_and_asks_before_it_records(project, command):
    refused = command("adopt", "seg_vip", says="n\n")
    assert refused.exit_code == 1
    assert "Record 8 records as delivered?" in refused.output
    assert "2 who are not wanted stay somebody else's" in refused.output
    taken = command("adopt", "seg_vip", "--yes")
    assert taken.exit_code == 0
    assert "8 records are ours now" in taken.output
    assert "Record" not in taken.output
    again = command("adopt", "mailchimp: Customers / VIP", "--all", says="y\n")
    assert "2 records are ours now" in again.output
    assert "adopt" in command("status").output


def test_revert_shows_first_and_then_pauses_what_it_takes_back(project, command):
    project.open()
    adopt.record(project.context, adopt.look(project.context, "seg_vip"))
    project.members("vip", range(9))
    run = project.sync().run_id
    project.close()
    settings = load_settings(project.folder, project=project.folder)
    Warehouse(settings).publish()
    shown = command("revert", run)
    assert "pauses seg_vip" in shown.output
    assert controls.in_force(settings) == []
    assert key(8) in project.esp.tag("VIP")
    done = command("revert", run[:10], "--yes")
    assert "seg_vip is paused" in done.output
    assert [pause.name for pause in controls.in_force(settings)] == ["seg_vip"]
    assert key(8) not in project.esp.tag("VIP")
    # a project made by hand has no model of who must be told of a no, and that is never passed over in silence
    assert done.exit_code == 1
    assert "left to it" in command("revert", run).output


def test_a_wrong_word_is_one_line_and_not_a_traceback(project, command):
    for words in (("inspect", "shopify"), ("adopt", "nobody"), ("revert", "nothing"), ("explain", "nobody")):
        answer = command(*words)
        assert answer.exit_code == 1
        assert "Traceback" not in answer.output
