"""Skeletons of what a project gets more of: `mailhouse new source|destination|segment NAME`.

The files of each kind stand beside this module as they will in the project: NAME in their paths and ${name}, ${Title}, ${CAPS}
in their text become the name. They end in .tmpl, so that nobody takes them for code.
"""

import re
from pathlib import Path
from string import Template

from mailhouse.errors import ConfigurationError
from mailhouse.scaffold.wiring import WIRING

KINDS = ("source", "destination", "segment")
SUFFIX = ".tmpl"
NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")
# neighbouring imports, whose order depends on the name
IMPORTS = re.compile(r"(?:^from \S+ import [^(\n]+\n){2,}", flags=re.MULTILINE)


class NameTaken(ConfigurationError):
    """There is something of that name already."""


def make(project: Path, kind: str, name: str) -> list[Path]:
    """Write the skeleton into a project, all of it or nothing; the files that were made or changed, relative to it.

    Raises NameTaken, ConfigurationError for a name that cannot be one, and when a file that must be told of it has changed so
    much that its place is not found.
    """
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"`{name}` is no name for a {kind}; use lower-case letters, digits and _, beginning with a letter"
        )
    words = {"name": name, "Title": "".join(part.capitalize() for part in name.split("_")), "CAPS": name.upper()}
    folder = Path(__file__).parent / kind
    texts: dict[Path, str] = {}
    for template in sorted(folder.rglob(f"*{SUFFIX}")):
        path = Path(str(template.relative_to(folder)).replace("NAME", name).removesuffix(SUFFIX))
        if (project / path).exists():
            raise NameTaken(f"{kind} {name}: {path} is there already; choose another name, or take that out first")
        text = Template(template.read_text(encoding="utf-8")).substitute(words)
        texts[path] = IMPORTS.sub(_sorted, text) if path.suffix == ".py" else text
    for path, wire in WIRING[kind]:
        file = Path(path.replace("NAME", name))
        if not (project / file).exists():
            raise ConfigurationError(f"{kind} {name}: {file} is not there; a destination is read as well, make the source first")
        texts[file] = wire((project / file).read_text(encoding="utf-8"), words, str(file))
    for path, text in texts.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text, encoding="utf-8")
    return list(texts)


def _sorted(block: re.Match[str]) -> str:
    return "".join(sorted(block[0].splitlines(keepends=True), key=lambda line: line.split()[1]))
