"""Secrets from the environment, a file or a command, and what is said when one is not there: never the secret itself."""

import json
import stat

import pytest

from mailhouse.errors import ConfigurationError, CredentialsMissing
from mailhouse.settings import Connection, load_settings

SECRET = "s3cret-value"


def connection(said, **own) -> Connection:
    return Connection("crm", "hubspot", "http://127.0.0.1:9", {}, {"token": said}, own)


@pytest.fixture
def places(tmp_path, monkeypatch):
    """One secret in a variable, in a file and behind a command."""
    monkeypatch.setenv("TEST_SECRET", SECRET)
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    command = tmp_path / "pass"
    command.write_text(f"#!/bin/sh\necho called >> {tmp_path}/calls\necho {SECRET}\necho a second line\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return {"TEST_SECRET": None, "env": "TEST_SECRET", "file": str(file), "command": f"{command} show crm"}


@pytest.mark.parametrize("kind", ["TEST_SECRET", "env", "file", "command"])
def test_each_place_gives_the_same_secret(places, kind):
    assert connection({kind: places[kind]} if places[kind] else kind).secret("token") == SECRET


def test_a_command_is_asked_once_a_process(places, tmp_path):
    one = connection({"command": places["command"]})
    assert {one.secret("token") for _ in range(3)} == {SECRET}
    assert (tmp_path / "calls").read_text().count("called") == 1


def test_the_sandboxs_own_secret_stands_in_for_an_empty_variable_only(places, monkeypatch):
    monkeypatch.delenv("TEST_SECRET")
    assert connection({"env": "TEST_SECRET"}, token="of the sandbox").secret("token") == "of the sandbox"
    assert connection({"file": places["file"]}, token="of the sandbox").secret("token") == SECRET


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"env": "TEST_ABSENT"}, "set the environment variable TEST_ABSENT"),
        ({"file": "/nowhere/at/all"}, "/nowhere/at/all cannot be read"),
        ({"command": "/nowhere/at/all s3cret-value"}, "its command does not run"),
        ({"command": "false s3cret-value"}, "its command ended with 1"),
        ({"command": "true s3cret-value"}, "the command `true` gives nothing"),
    ],
)
def test_what_is_missing_is_named_without_what_may_be_the_secret(said, words):
    with pytest.raises(CredentialsMissing, match=words) as raised:
        connection(said).secret("token")
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "said", [SECRET, {"env": SECRET}, {"vault": SECRET}, {"file": SECRET, "env": "X"}, [SECRET], {"file": ""}]
)
def test_what_cannot_be_a_place_is_refused_and_not_repeated(tmp_path, said):
    file = tmp_path / "connections.yml"
    file.write_text(json.dumps({"connections": [{"id": "crm", "vendor": "hubspot", "secrets": {"token": said}}]}))
    with pytest.raises(ConfigurationError, match="never the secret itself") as raised:
        load_settings(tmp_path, file)
    assert SECRET not in str(raised.value)
