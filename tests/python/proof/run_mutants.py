"""Plants each bug of tests/mutants in a copy of the project and runs the same tests on all of them: each must be found.

`make mutants` prints a table and exits 1 when a bug survives, or when the copy without a bug does not pass.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PATCHES = ROOT / "tests" / "mutants"
# the harness and the rule: no test here was written for one of the bugs
TESTS = ("tests/python/proof", "tests/python/consent", "tests/python/privacy")
NOT_COPIED = shutil.ignore_patterns(".git", ".venv*", ".mailhouse", ".hypothesis", "__pycache__", ".*_cache")
FAILED = re.compile(r"^FAILED (\S+?)(?:\[.*)?(?: - .*)?$", re.MULTILINE)
AT_ONCE = 2
TESTS_FAILED = 1  # pytest's own word for it; anything else means that the tests could not be run


@dataclass(frozen=True)
class Verdict:
    """What became of one bug; `found_by` is empty when every test passed, `trouble` says why nothing can be told."""

    name: str
    found_by: str
    seconds: float
    trouble: str = ""


def patches() -> list[Path]:
    """The bugs, one patch each."""
    return sorted(PATCHES.glob("*.patch"))


def applies(patch: Path) -> str:
    """Empty when a patch fits the project as it is; otherwise why it does not."""
    ended = subprocess.run(["git", "apply", "--check", str(patch)], cwd=ROOT, capture_output=True, text=True)
    return ended.stderr.strip()


def judge(patch: Path | None) -> Verdict:
    """Copy the project, plant the bug and run the tests up to the first that fails; None plants nothing."""
    begun, name = time.monotonic(), patch.stem if patch else "(no bug)"
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder) / "main"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        if patch:
            subprocess.run(["git", "apply", str(patch)], cwd=copy, check=True)
        environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-m", "not torture", *TESTS]
        ended = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - begun
    found = FAILED.findall(ended.stdout)
    if ended.returncode == 0:
        return Verdict(name, "", seconds)
    if ended.returncode != TESTS_FAILED or not found:
        return Verdict(name, "", seconds, f"the tests could not be run: {ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    return Verdict(name, found[0].removeprefix("tests/python/"), seconds)


def main() -> int:
    """Judge every bug and print the table."""
    asked = set(sys.argv[1:])
    chosen = [patch for patch in patches() if not asked or patch.stem in asked]
    planted = [None, *chosen] if not asked else chosen
    with ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = []
        for verdict in pool.map(judge, planted):
            verdicts.append(verdict)
            says = verdict.trouble or (f"found by {verdict.found_by}" if verdict.found_by else "every test passes")
            print(f"{verdict.name:24} {verdict.seconds:6.1f} s  {says}", flush=True)
    sound = all(not one.trouble and not one.found_by for one in verdicts if one.name == "(no bug)")
    found = sum(bool(one.found_by) for one in verdicts if one.name != "(no bug)")
    print(f"{found} of {len(chosen)} bugs found" + ("" if sound else "; the project fails its tests without any"))
    return 0 if sound and found == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
