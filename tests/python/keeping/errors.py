"""Kinds of error, each provoked for real; what is said of it, in the terminal, in exceptions and in log lines, is given back."""

import io
import logging
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ingestion.landing import land
from mailhouse.build import Project
from mailhouse.clock import FixedClock, clock_of
from mailhouse.settings import child_environment
from mailhouse.warehouse import Warehouse
from tests.python.chain.conftest import control
from tests.python.keeping.world import PERSON, World
from tests.python.parsed import parsed_project

Provoke = Callable[[World], str]
VENDORS = ("hubspot", "shopify", "mailchimp", "klaviyo", "sendgrid", "salesforce")
# what a vendor may do instead of answering
FAULTS = ("401", "403", "404", "429", "500", "503", "bodyless_403", "garbage", "html200", "reset", "truncated")
SECRETS = {
    "hubspot": "HUBSPOT_TOKEN",
    "shopify": "SHOPIFY_CLIENT_SECRET",
    "mailchimp": "MAILCHIMP_API_KEY",
    "klaviyo": "KLAVIYO_API_KEY",
    "sendgrid": "SENDGRID_API_KEY",
    "salesforce": "SALESFORCE_CLIENT_SECRET",
}


@contextmanager
def log_lines() -> Iterator[io.StringIO]:
    """Every line that anything of ours logs, down to the finest, with the traceback where one is attached."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    ours = logging.getLogger("mailhouse")
    before = ours.level
    ours.setLevel(logging.DEBUG)
    ours.addHandler(handler)
    try:
        yield lines
    finally:
        ours.removeHandler(handler)
        ours.setLevel(before)


def landing(world: World, vendor: str) -> str:
    """Land one vendor, which must fail; waiting costs no time."""
    with log_lines() as lines:
        (landed,) = land(world.settings, FixedClock(clock_of(world.settings).now()), only=[vendor])
    assert landed.error is not None
    return f"{landed.error}\n{lines.getvalue()}"


def fault(vendor: str, do: str) -> Provoke:
    def provoke(world: World) -> str:
        control(world.settings, "POST", "faults", [{"vendor": vendor, "do": do, "times": None}])
        try:
            return landing(world, vendor)
        finally:
            control(world.settings, "POST", "faults", [])

    return provoke


def wrong_secret(vendor: str) -> Provoke:
    def provoke(world: World) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(SECRETS[vendor], "some-other-secret")
            said = landing(world, vendor)
        assert "some-other-secret" not in said
        return said

    return provoke


def command(*words: str) -> Provoke:
    """A command that must be refused."""

    def provoke(world: World) -> str:
        done = world.command(*words)
        assert done.exit_code != 0, done.output
        return done.output

    return provoke


def file_command(name: str, text: str, *words: str) -> Provoke:
    """A command on a file that cannot be taken, which is called FILE in its words."""

    def provoke(world: World) -> str:
        path = world.settings.workdir / name
        path.write_text(text)
        try:
            return command(*(word.replace("FILE", str(path)) for word in words))(world)
        finally:
            path.unlink()

    return provoke


def query(sql: str) -> Provoke:
    """A query of dbt's that fails on somebody's value."""

    def provoke(world: World) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["mailhouse", "erase", PERSON])  # as if the command named somebody
            done = parsed_project(world.settings).run(["show", "--inline", sql])
        assert not done.success
        return str(done.exception)

    return provoke


def broken_project(world: World) -> str:
    """A project that does not parse."""
    folder = world.settings.workdir / "broken"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text("name: broken\nprofile: mailhouse\nmodel-paths: [models]\n")
    (folder / "models" / "wrong.sql").write_text(f"select '{{{{ ref('{PERSON}') }}}}'")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DBT_PROFILES_DIR", str(world.settings.project))
            done = Project(world.settings).run(["parse", "--project-dir", str(folder)])
        return f"parsed: {done.success}"
    finally:
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()


def full_disk(*words: str, size: int = 40_000) -> Provoke:
    """A command in a process of its own, whose files may not grow beyond so many bytes."""

    def provoke(world: World) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("DBT_ENV_SECRET_WAREHOUSE_KEY")
            plain = world.settings.workdir / "full"
            plain.mkdir()
            filled = type(world.settings)(world.settings.project, plain, world.settings.connections)
            with Warehouse(filled).write() as connection:
                connection.execute(f"create table people as select '{PERSON}' as email, random() as noise from range(20000)")
            done = subprocess.run(
                [sys.executable, "-m", "mailhouse", "--workdir", str(plain), *words],
                env=child_environment(),
                cwd=world.settings.project,
                capture_output=True,
                text=True,
                check=False,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
            )
        assert done.returncode != 0, done.stdout
        filled.warehouse_path.unlink()
        return done.stdout + done.stderr

    return provoke


def misfit(world: World) -> str:
    """A value that is not of its field's type."""
    properties = {"hubspot_contacts": {"email": "integer"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(world.settings), "custom_properties", properties)
        return landing(world, "hubspot")


def locked(world: World) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_ENV_SECRET_WAREHOUSE_KEY", "another-key-altogether")
        said = command("status")(world)
    assert "another-key" not in said
    return said


MEMBER = "select email from {{ ref('customers') }} where email is not null"
ERRORS: dict[str, Provoke] = {
    **{f"{vendor} {do}": fault(vendor, do) for vendor in VENDORS for do in FAULTS},
    **{f"{vendor} wrong secret": wrong_secret(vendor) for vendor in VENDORS},
    "type misfit": misfit,
    "grant without proof": command("consent", "record", PERSON, "--act", "grant", "--purpose", "marketing_email"),
    "no such purpose": command("consent", "record", PERSON, "--act", "grant", "--purpose", "p", "--proof", "double_opt_in"),
    "query that casts": command("sql", "select cast(email as integer) from marts.customers where email is not null"),
    "query that names": command("sql", f"select '{PERSON}' from nowhere"),
    "unknown segment": command("plan", "seg_nobody"),
    "damaged plan": file_command("plan.json", f'{{"people": ["{PERSON}"]', "sync", "--plan", "FILE"),
    "damaged backup": file_command("backup.zip", PERSON, "restore", "FILE", "--yes"),
    "absent backup": command("restore", "nowhere.zip", "--yes"),
    "model that casts": query(f"select cast(email as integer) as number from ({MEMBER})"),
    "model that raises": query(f"select error('no good: ' || email) as said from ({MEMBER})"),
    "model that overflows": query(f"select cast(left(email, 0) || '99999999999' as integer) as number from ({MEMBER})"),
    "model with a date that is none": query(f"select cast(email as date) as day from ({MEMBER})"),
    "model of a table that is not there": query("select email from nowhere"),
    "broken project": broken_project,
    "wrong key": locked,
    "full disk at a backup": full_disk("backup"),
    "full disk at a run": full_disk("run", "--no-sync", size=400_000),
}
DAILY = (
    *("hubspot html200", "klaviyo wrong secret", "type misfit"),
    *("query that casts", "model that casts", "damaged plan", "full disk at a backup"),
)
