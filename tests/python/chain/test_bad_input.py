"""Bad input gives one clear line and a non-zero exit; nothing is lost and nothing half-done."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailhouse.cli import main
from tests.python.chain.conftest import ROOT


def mailhouse(workdir: Path, *words: str, **environment: str) -> Result:
    """One command inside this process, which need not import everything anew."""
    return CliRunner(env=environment).invoke(main, ["--workdir", str(workdir), *words])


def refused(done: Result, *says: str) -> None:
    """One line on standard error that holds every word of `says`, no traceback, a non-zero exit."""
    assert done.exit_code != 0
    # an error nobody expected would be raised through here, and printed as a traceback in life
    assert isinstance(done.exception, SystemExit), done.exception
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    assert [word for word in says if word not in lines[0]] == [], lines[0]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


HEADER = "order_id,customer_ref,ordered_at,sku,product_title,quantity,unit_price,currency,country\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("order_id,customer_ref\n1,a\n", ["ordered_at"]),
        (HEADER + "1,a,2011-01-01,x,X,1,2.50,GBP,GB\n1,b,2011-01-01,x,X,1,2.50,GBP,GB\n", ["1", "customer_ref"]),
        (HEADER + "1,a,yesterday,x,X,1,2.50,GBP,GB\n", ["ordered_at"]),
        (HEADER + "1,a,2011-01-01,x,X,0,2.50,GBP,GB\n", ["quantity"]),
        (HEADER, ["orders.csv"]),
    ],
    ids=["missing columns", "one order of two customers", "no date", "quantity 0", "no rows"],
)
def test_an_orders_file_that_cannot_be_taken(tmp_path, text, says):
    orders = write(tmp_path / "orders.csv", text)
    refused(mailhouse(tmp_path / "work", "sandbox", "seed", "--orders", str(orders)), *says)
    assert not (tmp_path / "work" / "sandbox" / "state.db").exists()


def test_an_orders_file_that_is_not_there(tmp_path):
    refused(mailhouse(tmp_path / "work", "demo", "--days", "0", "--orders", str(tmp_path / "none.csv")), "none.csv")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("connections: [{id: hubspot, vendor: hubspott}]", ["hubspot", "vendor"]),
        ("connections: [{id: hubspot, vendor: hubspot, sekrets: {}}]", ["sekrets"]),
        ("connections: [{id: a, vendor: hubspot}, {id: a, vendor: hubspot}]", ["`a`"]),
        ("connections: {", ["YAML"]),
        ("connection: []", ["connections"]),
    ],
    ids=["vendor", "key", "twice", "broken", "no list"],
)
def test_connections_that_cannot_be_meant(tmp_path, text, says):
    path = write(tmp_path / "connections.yml", text)
    refused(mailhouse(tmp_path / "work", "status", MAILHOUSE_CONNECTIONS=str(path)), *says)


@pytest.mark.parametrize("words", [("status",), ("plan",), ("sql", "select 1"), ("segment", "preview", "seg_vip")], ids=" ".join)
def test_a_question_before_the_first_run(tmp_path, words):
    refused(mailhouse(tmp_path / "work", *words), "mailhouse run")


def test_the_sandbox_is_not_running(tmp_path):
    """As a process of its own: what its log or a traceback would add is seen as well."""
    command = [sys.executable, "-m", "mailhouse", "--workdir", str(tmp_path / "work"), "run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    connections = ("hubspot", "shopify", "mailchimp", "klaviyo", "sendgrid", "salesforce", "website")
    named = [f"error {name} did not land" for name in connections]
    assert [line.split(":")[0] for line in lines] == named
    # the website's events are files, which no server has to be up for
    assert all("mailhouse sandbox serve" in line for line in lines[:-1]) and "mailhouse sandbox seed" in lines[-1]
