"""The documentation names what there is: every command, every key of `reverse_sync`, and links that lead somewhere."""

import re
from pathlib import Path

import click

from mailhouse.cli import main
from mailhouse.sync.audiences import AUDIENCE_KEYS

ROOT = Path(__file__).resolve().parents[3]
DOCS = {path: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]}


def commands(group: click.Group, prefix: str) -> list[str]:
    found = []
    for name, command in group.commands.items():
        full = f"{prefix} {name}"
        found += commands(command, full) if isinstance(command, click.Group) else [full]
    return found


def test_each_command_is_documented():
    text = DOCS[ROOT / "docs" / "commands.md"]
    assert [command for command in commands(main, "mailhouse") if f"`{command}" not in text] == []


def test_each_key_of_reverse_sync_is_documented():
    text = DOCS[ROOT / "docs" / "add-a-segment.md"]
    assert [key for key in AUDIENCE_KEYS if not re.search(rf"\b{key}\b", text)] == []


def test_links_lead_somewhere():
    broken = []
    for path, text in DOCS.items():
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
            if "://" not in target and not (path.parent / target).exists():
                broken.append(f"{path.relative_to(ROOT)} -> {target}")
    assert broken == []
