"""`mailhouse new`: a skeleton that works, nothing half written, and the pages of the docs followed word by word."""

from pathlib import Path

import pytest

from mailhouse.errors import ConfigurationError
from mailhouse.scaffold import NameTaken, make


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in {".py", ".sql", ".yml"}
    }


def test_add_a_source_is_followed_word_by_word(copy):
    ran = copy.follow("add-a-source.md")
    assert [line.split()[0] for line in ran] == ["mailhouse", "mailhouse", "python"]
    listed = (copy.folder / "ingestion" / "schemas" / "acme.yml").read_text(encoding="utf-8")
    assert "city: text" in listed  # what the page's own block added


def test_add_a_destination_is_followed_word_by_word(copy_factory):
    ran = copy_factory("destination").follow("add-a-destination.md")
    assert [line.split()[0] for line in ran] == ["mailhouse", "mailhouse", "mailhouse", "python"]


def test_a_destination_without_its_source_is_refused(copy_factory):
    with pytest.raises(ConfigurationError, match="make the source first"):
        make(copy_factory("alone").folder, "destination", "acme")


def test_a_name_that_is_there_is_refused_in_one_line(copy):
    before = contents(copy.folder)
    for kind, name in (("source", "klaviyo"), ("segment", "champions")):
        done = copy.run(f"mailhouse new {kind} {name}")
        told = (done.stdout + done.stderr).strip()
        assert done.returncode == 1 and "is there already" in told and "\n" not in told
    assert contents(copy.folder) == before


@pytest.mark.parametrize("name", ["Acme", "9lives", "a-b", "../x", "", "a" * 40])
def test_what_is_no_name_is_refused(tmp_path, name):
    with pytest.raises(ConfigurationError, match="is no name"):
        make(tmp_path, "segment", name)
    assert list(tmp_path.iterdir()) == []


def test_a_segment_is_made_once(tmp_path):
    made = make(tmp_path, "segment", "big_spenders")
    assert [str(path) for path in made] == ["models/segments/seg_big_spenders.sql", "models/segments/seg_big_spenders.yml"]
    with pytest.raises(NameTaken):
        make(tmp_path, "segment", "big_spenders")


def test_where_a_place_is_lost_nothing_is_written(copy_factory):
    project = copy_factory("lost").folder
    file = project / "mailhouse" / "sandbox" / "auth.py"
    file.write_text(file.read_text(encoding="utf-8").replace("        fresh = {", "        secrets_made = {"), encoding="utf-8")
    before = contents(project)
    with pytest.raises(ConfigurationError, match=r"auth\.py.*by hand"):
        make(project, "source", "acme")
    assert contents(project) == before


@pytest.mark.torture
def test_what_was_made_runs_with_everything_else(copy_factory):
    """Source, destination and segment of the skeletons in one run of the whole chain, every data test included."""
    copy = copy_factory("whole")
    lines = ("new source acme", "new destination acme", "new segment big_spenders", "schemas", "demo --customers 60 --days 0")
    for line in lines:
        done = copy.run(f"mailhouse {line}")
        assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    asked = copy.run("mailhouse sql 'select count(*) from raw_acme.contacts'")
    assert asked.returncode == 0, asked.stderr
    previewed = copy.run("mailhouse segment preview seg_big_spenders")
    assert previewed.returncode == 0, previewed.stderr
