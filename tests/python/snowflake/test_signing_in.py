"""dlt lands with dbt's target: the same account, role and key, and no secret in what it may print."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from dlt.destinations.impl.snowflake.configuration import SnowflakeClientConfiguration

from mailhouse.platforms import platform_of
from mailhouse.settings import Settings

ROOT = Path(__file__).parents[3]
PASSPHRASE = "open sesame"
WHO = {"SNOWFLAKE_ACCOUNT": "acme-eu", "SNOWFLAKE_USER": "builder", "MAILHOUSE_DATABASE": "mailhouse"}
PLACE = {"account": "acme-eu", "user": "builder", "database": "mailhouse", "role": "transformer", "warehouse": "transforming"}
NAMES = {"schema", "autocommit"}  # dlt says these itself


@pytest.fixture(autouse=True)
def snowflake(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**WHO, "DBT_TARGET": "snowflake"}.items():
        monkeypatch.setenv(name, value)


def configured(tmp_path: Path) -> SnowflakeClientConfiguration:
    """dlt's configuration as a pipeline resolves it."""
    destination = platform_of(Settings(ROOT, tmp_path, {})).destination()
    return destination.configuration(SnowflakeClientConfiguration()._bind_dataset_name(dataset_name="raw_hubspot"))


def printed(configuration: SnowflakeClientConfiguration) -> str:
    credentials = configuration.credentials
    shown = (configuration, credentials, credentials.to_url(), dict(credentials), configuration.fingerprint())
    return " ".join(f"{one!r} {one}" for one in shown) + credentials.to_native_representation()


def test_a_password_is_asked_for_when_dlt_connects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNOWFLAKE_PASSWORD", PASSPHRASE)
    configuration = configured(tmp_path)
    told = configuration.credentials.to_connector_params()
    assert told | PLACE | {"password": PASSPHRASE} == told
    assert told.keys().isdisjoint(NAMES) and told["session_parameters"]["TIMEZONE"] == "UTC"
    assert PASSPHRASE not in printed(configuration)


def test_a_key_pair_with_a_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    locked = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    (tmp_path / "mailhouse.p8").write_bytes(pem)
    monkeypatch.setenv("SNOWFLAKE_PRIVATE_KEY_PATH", str(tmp_path / "mailhouse.p8"))
    monkeypatch.setenv("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE", PASSPHRASE)
    configuration = configured(tmp_path)
    told = configuration.credentials.to_connector_params()
    open_key = serialization.NoEncryption()
    assert told["private_key"] == key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, open_key)
    assert "password" not in told and told | PLACE == told
    assert PASSPHRASE not in printed(configuration) and "PRIVATE KEY" not in printed(configuration)


def test_a_private_link_is_the_one_that_dbt_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HOST": "acme.privatelink.example", "PORT": "8443", "PASSWORD": "any"}.items():
        monkeypatch.setenv(f"SNOWFLAKE_{name}", value)
    told = configured(tmp_path).credentials.to_connector_params()
    assert (told["host"], int(told["port"]), told["protocol"]) == ("acme.privatelink.example", 8443, "https")


def test_what_was_staged_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNOWFLAKE_PASSWORD", PASSPHRASE)
    configuration = configured(tmp_path)
    assert configuration.keep_staged_files is False and configuration.stage_name is None


def test_each_database_has_cursors_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(ROOT, tmp_path, {})
    places = {platform_of(settings).pipelines}
    monkeypatch.setenv("MAILHOUSE_DATABASE", "another")
    places.add(platform_of(settings).pipelines)
    monkeypatch.delenv("DBT_TARGET")
    places.add(platform_of(settings).pipelines)
    assert len(places) == 3 and settings.pipelines in places
