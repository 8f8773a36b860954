"""The rules that keep the house in order, read off the source text itself."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted(path for folder in ("mailhouse", "ingestion", "flows") for path in (ROOT / folder).rglob("*.py"))
ENTRY_POINTS = {ROOT / "mailhouse" / "cli.py", *(ROOT / "mailhouse" / "commands").glob("*.py")}
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def layer_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    if relative.parts[0] == "flows" or path in ENTRY_POINTS:
        return "entry"
    if relative.parts[:2] == ("mailhouse", "sandbox"):
        return "sandbox"
    return relative.parts[0]


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def under(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


FORBIDDEN = {
    "ingestion": ("flows", "mailhouse.cli", "mailhouse.sandbox"),
    "mailhouse": ("flows", "ingestion", "mailhouse.cli", "mailhouse.sandbox"),
    "sandbox": ("flows", "ingestion"),
}
SANDBOX_MAY_IMPORT = ("mailhouse.sandbox", "mailhouse.errors")


def test_imports_point_one_way():
    wrong = []
    for path, tree in TREES.items():
        layer = layer_of(path)
        for name in imported(tree):
            wrong += [f"{path.relative_to(ROOT)} imports {name}" for package in FORBIDDEN.get(layer, ()) if under(name, package)]
            if layer == "sandbox" and under(name, "mailhouse") and name != "mailhouse":
                allowed = any(under(name, package) for package in SANDBOX_MAY_IMPORT)
                wrong += [] if allowed else [f"{path.relative_to(ROOT)} imports {name}"]
    wrong = [line for line in wrong if not line.startswith("mailhouse/__main__.py")]
    assert wrong == []


def calls(tree: ast.AST) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def attributes(tree: ast.AST) -> set[str]:
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize(
    ("what", "pattern", "only"),
    [
        ("reads the environment", r"^os\.(environ|getenv)$", "mailhouse/settings.py"),
        ("asks for the time", r"^(datetime|date|datetime\.datetime)\.(now|utcnow|today)$", "mailhouse/clock.py"),
        ("waits", r"^time\.sleep$", "mailhouse/clock.py"),
        ("opens a database", r"^duckdb\.connect$", "mailhouse/warehouse.py"),
    ],
)
def test_one_place_only(what, pattern, only):
    found = {
        path.relative_to(ROOT).as_posix()
        for path, tree in TREES.items()
        if layer_of(path) != "sandbox" and any(re.match(pattern, name) for name in attributes(tree))
    }
    assert found <= {only}, f"{what}: {sorted(found - {only})}"


def test_files_have_one_subject():
    long = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in long.items() if lines > 600} == {}
    assert [path for path in SOURCES if path.stem in {"utils", "helpers", "misc", "common"}] == []


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_registry_and_no_machine_is_named():
    # spelt in pieces, so that this file does not name them
    hosts = re.compile("|".join(["py" + "pi\\.org", "python" + "hosted\\.", "registry\\.npm" + "js", "--index" + "-url +http"]))
    paths = re.compile(r"(^|[^A-Za-z0-9_.])/(work|root|home/[a-z]+)/")
    wrong = []
    for path in tracked():
        if not path.is_file():
            continue
        for number, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if hosts.search(text) or (path.name != "requirements.lock" and paths.search(text) and "paths = re" not in text):
                wrong.append(f"{path.relative_to(ROOT)}:{number}")
    assert wrong == []


def test_the_lock_holds_names_and_hashes_only():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert not (ROOT / "uv.lock").exists()
    pinned = re.findall(r"^([A-Za-z0-9_.\[\]-]+)==", lock, flags=re.M)
    assert len(pinned) > 100
    assert lock.count("--hash=sha256:") >= len(pinned)


def test_only_safe_yaml_is_read():
    for path, tree in TREES.items():
        assert not {"yaml.load", "yaml.unsafe_load", "yaml.full_load"} & calls(tree), path
