"""`mailhouse identity score`: how right it is on sets whose truth is known, and what it says to what it cannot take."""

import json
import subprocess
import sys

import pytest

from mailhouse.settings import child_environment
from tests.python.identity.conftest import FEBRL, ROOT, SHARED
from tests.python.identity.people import FIELDS, write_people

OWN = {field: field for field in FIELDS}
# one command in a process of its own, and in the end how many kilobytes it has taken at most
PEAK = """
import sys
from pathlib import Path
from mailhouse.cli import main
main(sys.argv[1:], standalone_mode=False)
lines = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def febrl_weights(scored, febrl, tmp_path_factory):
    """Weights fitted on the third febrl set, and how right they are there."""
    path = tmp_path_factory.mktemp("weights") / "weights.csv"
    return path, scored(febrl(3), "rec_id", "truth", FEBRL, "--save-weights", path)


def test_febrl_without_its_number_is_resolved(febrl_weights):
    _, found = febrl_weights
    assert found["f1"] >= 0.99
    assert found["precision"] >= 0.999
    assert (found["records"], found["true_pairs"]) == (5000, 6538)


def test_weights_fitted_on_one_set_serve_another(scored, febrl, febrl_weights):
    weights, _ = febrl_weights
    assert scored(febrl(1), "rec_id", "truth", FEBRL, "--weights", weights)["f1"] >= 0.99


def test_names_that_are_often_misspelt_or_missing_are_resolved(scored):
    path = SHARED / "data" / "fake_1000" / "fake_1000.csv"
    if not path.exists():
        pytest.skip("fake_1000.csv is not beside this checkout (../shared)")
    fields = {"given_name": "first_name", "family_name": "surname", "birth_date": "dob", "city": "city", "email": "email"}
    assert scored(path, "unique_id", "cluster", fields)["f1"] >= 0.92


def test_two_people_of_one_household_stay_two(scored, tmp_path):
    found = scored(write_people(tmp_path / "people.csv", 2_000), "id", "truth", OWN)
    assert found["precision"] >= 0.99
    assert found["f1"] >= 0.98


@pytest.mark.torture
def test_fifty_thousand_records(scored, tmp_path):
    found = scored(write_people(tmp_path / "people.csv", 50_000), "id", "truth", OWN)
    assert found["f1"] >= 0.98


@pytest.mark.torture
def test_a_million_records_stay_within_eight_gigabytes(workdir, tmp_path):
    people = write_people(tmp_path / "people.csv", 1_000_000)
    mapped = [part for field in OWN for part in ("--map", f"{field}={field}")]
    command = ["--workdir", workdir, "identity", "score", people, "--id", "id", "--truth", "truth", *mapped, "--json"]
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *map(str, command)], cwd=ROOT, env=child_environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found, peak = json.loads(done.stdout), int(done.stderr.split()[-1])
    print(f"1,000,000 records: {found['seconds']:.0f} s, at most {peak / 1024:,.0f} MB, F1 {found['f1']:.4f}")
    assert peak * 1024 <= 8_000_000_000
    assert found["precision"] >= 0.9


GOOD = "id,truth,name,mail\n1,a,Ann,ann@x.example\n2,a,Ann,ann@x.example\n"


@pytest.mark.parametrize(
    ("name", "text", "options", "says"),
    [
        ("gone.csv", None, (), "no such file"),
        ("people.txt", GOOD, (), "neither .csv nor .parquet"),
        ("empty.csv", "", (), "is empty"),
        ("header.csv", "id,truth,name,mail\n", (), "no records"),
        ("broken.parquet", "not parquet", (), "cannot be read as parquet"),
        ("people.csv", GOOD, ("--map", "given_name=nome"), "no column `nome`"),
        ("people.csv", GOOD, ("--id", "number"), "no column `number`"),
        ("people.csv", GOOD, ("--truth", "person"), "no column `person`"),
        ("people.csv", GOOD, ("--map", "shoe_size=name"), "unknown field `shoe_size`"),
        ("people.csv", GOOD, ("--map", "given_name"), "field=column"),
        ("people.csv", GOOD, ("--map", "email=name"), "mapped twice"),
        ("people.csv", GOOD, ("--map", "city=truth"), "the truth must not be evidence"),
        ("untrue.csv", "id,truth,mail\n1,,a\n2,,b\n", (), "empty everywhere"),
        ("twice.csv", "id,truth,mail\n1,a,a\n1,a,b\n", (), "repeated in 1"),
        ("people.csv", GOOD, ("--weights", "nowhere.csv"), "cannot be read as a seed"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_line(call, tmp_path, name, text, options, says):
    path = tmp_path / name
    if text is not None:
        path.write_text(text, encoding="utf-8")
    done = call("score", path, "--id", "id", "--truth", "truth", "--map", "email=mail", *options)
    assert done.exit_code == 1
    said = done.output.strip()
    assert says in " ".join(said.split())
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("comparison,level,m,u\n", "lacks the column `weight`"),
        ("comparison,level,m,u,weight\nemail,0,0.1,0.9,-3\n", "lacks the row of the prior"),
        ("comparison,level,m,u,weight\nprior,0,0.1,0.9,-3\nfax,0,0.1,0.9,-3\n", "unknown comparison `fax`"),
        ("comparison,level,m,u,weight\nprior,0,0.1,0.9,-3\nregion,0,0.1,0.9,-3\n", "lacks level 1 of `region`"),
        ("comparison,level,m,u,weight\nprior,0,0.1,0.9,-3\nregion,7,0.1,0.9,-3\n", "knows no level 7"),
        ("comparison,level,m,u,weight\nprior,0,0,0.9,-3\n", "between 0 and 1"),
        ("comparison,level,m,u,weight\nprior,0,much,0.9,-3\n", "must be numbers"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused_in_one_line(call, tmp_path, text, says):
    people, weights = tmp_path / "people.csv", tmp_path / "weights.csv"
    people.write_text(GOOD, encoding="utf-8")
    weights.write_text(text, encoding="utf-8")
    done = call("score", people, "--id", "id", "--truth", "truth", "--map", "email=mail", "--weights", weights)
    assert done.exit_code == 1
    assert says in " ".join(done.output.split())
