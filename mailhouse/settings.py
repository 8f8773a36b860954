"""Where things are and what they are called: the only place that reads the environment."""

import getpass
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from mailhouse.errors import ConfigurationError, CredentialsMissing
from mailhouse.secret_sources import Source, output_of, read_file, source_of

VENDOR_URLS = {
    "hubspot": "https://api.hubapi.com",
    "shopify": None,  # every shop has an address of its own
    "mailchimp": "https://api.mailchimp.com",
    "klaviyo": "https://a.klaviyo.com",
    "sendgrid": "https://api.sendgrid.com",  # of accounts in the EU: https://api.eu.sendgrid.com
    "salesforce": None,  # every org has a domain of its own
    "segment": None,  # a folder or a bucket
    "files": None,  # likewise
    "database": None,  # as SQLAlchemy writes it
}
# what is read from a folder or a bucket, and no server is asked for
FILE_VENDORS = ("segment", "files")
CONNECTION_KEYS = {"id", "vendor", "url", "enabled", "secrets", "settings", "retention"}
DEFAULT_WORKDIR = ".mailhouse"
SANDBOX = "sandbox"
TOKEN_KEY = "MAILHOUSE_TOKEN_KEY"
WAREHOUSE_KEY = "DBT_ENV_SECRET_WAREHOUSE_KEY"  # dbt keeps a variable out of its logs when its name begins like this


@dataclass(frozen=True)
class Connection:
    """One account at one vendor. `settings` is the vendor's own; secrets are looked up when they are needed.

    `workdir` is where what all processes must know of the account is kept (how often it was called today), None for nowhere.
    `retention` is how many days the rows of a raw table are kept; a table that it does not name is kept for ever.
    """

    id: str
    vendor: str
    url: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    secret_names: Mapping[str, Any] = field(default_factory=dict)
    sandbox_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    lives_in_sandbox: bool = False
    workdir: Path | None = field(default=None, repr=False)
    retention: Mapping[str, Any] = field(default_factory=dict)

    def secret(self, name: str) -> str:
        """The secret called `name`, read where connections.yml says; what is found there wins over the sandbox's own.

        A granted token is renewed when its time is over. Raises CredentialsMissing; a grant also CredentialsRejected and
        VendorUnreachable.
        """
        source = self.source(name)
        if source is None:
            raise CredentialsMissing(f"connection {self.id}: connections.yml names no secret `{name}`; add it under `secrets:`")
        if self.url == SANDBOX:
            raise CredentialsMissing(
                f"connection {self.id}: lives in the sandbox, which is not running; start it with `mailhouse sandbox serve`"
            )
        if source.kind == "oauth":
            from mailhouse.oauth.tokens import access_token  # it reads connections, and so this file, itself

            return access_token(self)
        value = self._read(source, f"connection {self.id}: secret `{name}`") or self.sandbox_secrets.get(name)
        if not value:
            raise CredentialsMissing(f"connection {self.id}: {_asked_for(source)} (secret `{name}`)")
        return value

    def source(self, name: str) -> Source | None:
        """Where the secret called `name` comes from, None when connections.yml names none."""
        return source_of(self.secret_names[name]) if name in self.secret_names else None

    def authorization(self, name: str, scheme: str = "Bearer") -> str:
        """The `Authorization` header of the secret called `name`; what was granted is always a bearer's. Raises as `secret`."""
        source = self.source(name)
        return f"{'Bearer' if source and source.kind == 'oauth' else scheme} {self.secret(name)}"

    def _read(self, source: Source, subject: str) -> str:
        if source.kind == "file":
            return read_file(source.at, subject)
        return output_of(source.at, subject) if source.kind == "command" else os.environ.get(source.at, "")


def _asked_for(source: Source) -> str:
    return f"set the environment variable {source.at}" if source.kind == "env" else f"{source.place} gives nothing"


@dataclass(frozen=True)
class Settings:
    """The project, its work directory and its connections."""

    project: Path
    workdir: Path
    connections: Mapping[str, Connection]

    @property
    def warehouse_path(self) -> Path:
        return self.workdir / "warehouse.duckdb"

    @property
    def warehouse_key(self) -> str | None:
        """The key that the warehouse is encrypted with, None for a plain one. Raises CredentialsMissing for an empty key."""
        key = os.environ.get(WAREHOUSE_KEY)
        if key is not None and not key.strip():
            raise CredentialsMissing(f"{WAREHOUSE_KEY}: set but empty; give the key, or unset the variable for a plain warehouse")
        return key

    @property
    def published_path(self) -> Path:
        return self.workdir / "published.duckdb"

    @property
    def published_target(self) -> Path:
        return self.workdir / "published_target"

    @property
    def target(self) -> Path:
        return self.workdir / "target"

    @property
    def logs(self) -> Path:
        return self.workdir / "logs"

    @property
    def pipelines(self) -> Path:
        return self.workdir / "pipelines"

    @property
    def leases_path(self) -> Path:
        return self.workdir / "leases.db"

    @property
    def inbox_path(self) -> Path:
        """Where acts of consent are taken at any time, apart from the warehouse, which a run may hold."""
        return self.workdir / "inbox.db"

    @property
    def controls_path(self) -> Path:
        """Where pauses are kept, apart from the warehouse, so that one can be set while a run holds it."""
        return self.workdir / "controls.db"

    @property
    def backups(self) -> Path:
        return self.workdir / "backups"

    @property
    def privacy_path(self) -> Path:
        """Tombstones, erasures under way, salts of the audit trail: what outlives the warehouse, and no backup holds."""
        return self.workdir / "privacy.db"

    @property
    def pepper_path(self) -> Path:
        """The key of the tombstones, in a file of its own which its owner alone may read."""
        return self.workdir / "pepper"

    @property
    def pepper(self) -> str | None:
        """The key of the tombstones where it is kept outside of the work directory."""
        return os.environ.get("MAILHOUSE_PEPPER")

    @property
    def audit_path(self) -> Path:
        return self.workdir / "audit.db"

    @property
    def audit_head_path(self) -> Path:
        """The audit trail's last entry, told a second time, so that a trail cut short can be told from a whole one."""
        return self.workdir / "audit.head"

    @property
    def sandbox_dir(self) -> Path:
        return self.workdir / "sandbox"

    @property
    def sandbox_clock(self) -> Path:
        """Where the sandbox leaves its time."""
        return self.sandbox_dir / "clock.json"

    @property
    def manifest(self) -> Path:
        return self.target / "manifest.json"

    @property
    def crash_at(self) -> str | None:
        """Where this process shall kill itself (`name` or `name#n`): how tests prove that a crash loses nothing."""
        return crash_at()

    @property
    def sandbox_judge(self) -> str | None:
        """Who is to judge what goes over the wire of a served sandbox (`module:callable`): how tests let nothing escape."""
        return os.environ.get("MAILHOUSE_SANDBOX_JUDGE")

    @property
    def sandbox_url(self) -> str | None:
        """The running sandbox's address, or None when none runs on this work directory."""
        server = sandbox_server(self.workdir)
        return server["url"] if server else None

    @cached_property
    def dbt_vars(self) -> Mapping[str, Any]:
        """The `vars` of dbt_project.yml as they stand in the file."""
        return read_yaml(self.project / "dbt_project.yml").get("vars") or {}

    @property
    def custom_properties(self) -> Mapping[str, Mapping[str, str]]:
        """The vendors' custom fields we take, `{'hubspot_contacts': {name: type}}`, said once in dbt_project.yml."""
        return self.dbt_vars.get("custom_properties") or {}


def crash_at() -> str | None:
    """See `Settings.crash_at`, for code that has a connection and no settings."""
    return os.environ.get("MAILHOUSE_CRASH_AT")


def token_key() -> str | None:
    """The key under which granted tokens are kept."""
    return os.environ.get(TOKEN_KEY)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file's mapping. Raises ConfigurationError when it is absent, broken or no mapping."""
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: not found; run from the project's folder or name it with --project") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        raise ConfigurationError(f"{path}{f', line {where.line + 1}' if where else ''}: not readable as YAML; mend it") from error
    if not isinstance(loaded, dict):
        raise ConfigurationError(f"{path}: expected keys and values; see docs/connections.md")
    return loaded


def find_project(start: Path | None = None) -> Path:
    """The nearest folder upwards that holds dbt_project.yml; MAILHOUSE_PROJECT wins."""
    if named := os.environ.get("MAILHOUSE_PROJECT"):
        return Path(named).resolve()
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "dbt_project.yml").exists():
            return folder
    packaged = Path(__file__).resolve().parent.parent
    if (packaged / "dbt_project.yml").exists():
        return packaged
    raise ConfigurationError(f"{here}: no dbt_project.yml here or above; change into the project's folder")


def sandbox_server(workdir: Path) -> dict[str, Any] | None:
    """What a sandbox serving this work directory says of itself (url, pid, secrets), or None."""
    path = workdir / "sandbox" / "server.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{path}: damaged; stop the sandbox and start it again") from error


def load_settings(
    workdir: Path | str | None = None, connections_file: Path | str | None = None, project: Path | None = None
) -> Settings:
    """Read connections.yml and decide the work directory; makes nothing and asks nobody.

    The work directory is, in this order: the argument, MAILHOUSE_WORKDIR, `.mailhouse` in the project.
    Raises ConfigurationError naming the entry and what is wrong with it.
    """
    project = project or find_project()
    chosen = workdir or os.environ.get("MAILHOUSE_WORKDIR")
    directory = Path(chosen).resolve() if chosen else project / DEFAULT_WORKDIR
    path = Path(connections_file or os.environ.get("MAILHOUSE_CONNECTIONS") or project / "connections.yml")
    entries = read_yaml(path).get("connections")
    if not isinstance(entries, list):
        raise ConfigurationError(f"{path}: `connections:` must be a list; see docs/connections.md")
    server = sandbox_server(directory)
    connections: dict[str, Connection] = {}
    for number, entry in enumerate(entries, start=1):
        connection = _connection(entry, f"{path}, connection {number}", server, directory, path.parent)
        if connection is None:
            continue
        if connection.id in connections:
            raise ConfigurationError(f"{path}: two connections are called `{connection.id}`; rename one")
        connections[connection.id] = connection
    return Settings(project=project, workdir=directory, connections=connections)


def _connection(entry: Any, place: str, server: Mapping[str, Any] | None, workdir: Path, folder: Path) -> Connection | None:
    if not isinstance(entry, dict):
        raise ConfigurationError(f"{place}: expected keys and values; see docs/connections.md")
    if unknown := sorted(set(entry) - CONNECTION_KEYS):
        raise ConfigurationError(f"{place}: unknown key `{unknown[0]}`; known are {', '.join(sorted(CONNECTION_KEYS))}")
    identifier, vendor = entry.get("id"), entry.get("vendor")
    if not isinstance(identifier, str) or not identifier.isidentifier() or not identifier.islower():
        raise ConfigurationError(f"{place}: `id` must be lower-case letters, digits and _, beginning with a letter")
    if vendor not in VENDOR_URLS:
        known = ", ".join(sorted(VENDOR_URLS))
        raise ConfigurationError(f"connection {identifier}: unknown vendor `{vendor}`; known are {known}")
    if entry.get("enabled", True) is False:
        return None
    secrets = entry.get("secrets") or {}
    for name, variable in secrets.items():
        # not repeated: what stands there may be the secret itself
        if source_of(variable) is None:
            raise ConfigurationError(
                f"connection {identifier}: secret `{name}` names an environment variable, in capitals, a file or a command;"
                " never the secret itself"
            )
    sandbox_secrets: Mapping[str, str] = {}
    url = entry.get("url") or VENDOR_URLS[vendor]
    if vendor in FILE_VENDORS and url is not None and "://" not in str(url):
        # a folder: the sandbox's own, or one beside connections.yml
        url = workdir / "sandbox" / vendor if url == SANDBOX else (folder / str(url)).resolve()
    elif url == SANDBOX:
        url = f"{server['url']}/{vendor}" if server else SANDBOX
        sandbox_secrets = server["secrets"][vendor] if server else {}
    if not url:
        raise ConfigurationError(f"connection {identifier}: say the account's `url`, for instance https://your-shop.example")
    return Connection(
        id=identifier,
        vendor=vendor,
        url=str(url).rstrip("/"),
        settings=entry.get("settings") or {},
        secret_names=secrets,
        sandbox_secrets=sandbox_secrets,
        lives_in_sandbox=entry.get("url") == SANDBOX,
        workdir=workdir,
        retention=entry.get("retention") or {},
    )


def prepare_environment(settings: Settings) -> None:
    """Tell the libraries that read the environment where things are, and switch every telemetry off."""
    os.environ.update(
        {
            "MAILHOUSE_WORKDIR": str(settings.workdir),
            "DBT_PROJECT_DIR": str(settings.project),
            "DBT_PROFILES_DIR": str(settings.project),
            "DBT_LOG_PATH": str(settings.logs),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DO_NOT_TRACK": "1",
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            # dlt would take a variable called WORKERS for its own, and fork processes that outlive a killed run
            "NORMALIZE__WORKERS": "1",
            "LOAD__WORKERS": "1",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        }
    )


def operator() -> str:
    """Who is at the keyboard, as the machine calls them, for the record of an approval."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def child_environment(**extra: str) -> dict[str, str]:
    """The environment for a process we start: ours, and `extra`."""
    return {**os.environ, **extra}


def use_prefect_server(settings: Settings, port: int) -> None:
    """Point Prefect, in this process and its children, at a server of this work directory; before prefect is imported."""
    os.environ.update(
        {
            "PREFECT_HOME": str(settings.workdir / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_API_PORT": str(port),
            "PREFECT_LOGGING_EXTRA_LOGGERS": "mailhouse",
            # the dashboard has the logs; the terminal tells what happened in its own words
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        }
    )


def variables() -> Mapping[str, str]:
    """The variables of the environment."""
    return os.environ
