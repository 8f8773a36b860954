"""Where a new source or destination is told of in files that are there: each change finds its place by the text around it."""

import re
from collections.abc import Callable, Mapping

from mailhouse.errors import ConfigurationError

Words = Mapping[str, str]
Wire = Callable[[str, Words, str], str]  # the file's text, the name in its forms, the file's path for an error
MARGIN = 130


def after(anchor: str, addition: str) -> Wire:
    """Put lines after the first line that is `anchor`."""

    def wire(text: str, words: Words, path: str) -> str:
        if f"{anchor}\n" not in text:
            raise _lost(path, anchor)
        return text.replace(f"{anchor}\n", f"{anchor}\n{_filled(addition, words)}\n", 1)

    return wire


def at_the_end(addition: str) -> Wire:
    """Put lines at the end of the file."""
    return lambda text, words, _: f"{text.rstrip()}\n{_filled(addition, words)}\n"


def last_of(pattern: str, addition: str) -> Wire:
    """Put a line after the last of each run of neighbouring lines that fit `pattern`."""

    def wire(text: str, words: Words, path: str) -> str:
        lines, found = text.split("\n"), False
        for number in range(len(lines) - 1, -1, -1):
            ends_run = re.fullmatch(pattern, lines[number]) and not (
                number + 1 < len(lines) and re.fullmatch(pattern, lines[number + 1])
            )
            if ends_run:
                lines.insert(number + 1, _filled(addition, words))
                found = True
        if not found:
            raise _lost(path, pattern)
        return "\n".join(lines)

    return wire


def imported(line: str) -> Wire:
    """Put an import among those of the same package, in its alphabetical place."""

    def wire(text: str, words: Words, path: str) -> str:
        wanted = _filled(line, words)
        package = wanted.rpartition(".")[0].removeprefix("from ")
        lines = text.split("\n")
        places = [number for number, one in enumerate(lines) if one.startswith(f"from {package}.") and " import " in one]
        if not places:
            raise _lost(path, f"from {package}.")
        place = next((number for number in places if lines[number] > wanted), places[-1] + 1)
        return "\n".join([*lines[:place], wanted, *lines[place:]])

    return wire


def listed(pattern: str, item: str) -> Wire:
    """Put an item at the end of a list; `pattern` has the list's inside as its only group."""

    def wire(text: str, words: Words, path: str) -> str:
        found = re.search(pattern, text, flags=re.DOTALL)
        if found is None:
            raise _lost(path, pattern)
        inside = found[1].rstrip().rstrip(",")
        return f"{text[: found.start(1)]}{inside}, {_filled(item, words)}{text[found.end(1) :]}"

    return wire


def from_package(package: str) -> Wire:
    """Put a name into `from package import a, b`."""

    def wire(text: str, words: Words, path: str) -> str:
        found = re.search(rf"^from {package} import (?:\(([^)]*)\)|(.+))$", text, flags=re.MULTILINE)
        if found is None:
            raise _lost(path, f"from {package} import")
        names = sorted({name.strip() for name in (found[1] or found[2]).split(",") if name.strip()} | {words["name"]})
        line = f"from {package} import {', '.join(names)}"
        if len(line) > MARGIN:
            line = f"from {package} import (\n" + "".join(f"    {name},\n" for name in names) + ")"
        return text[: found.start()] + line + text[found.end() :]

    return wire


def each(*wires: Wire) -> Wire:
    """Several changes of one file, one after the other."""

    def wire(text: str, words: Words, path: str) -> str:
        for one in wires:
            text = one(text, words, path)
        return text

    return wire


def _filled(text: str, words: Words) -> str:
    for name, value in words.items():
        text = text.replace("${" + name + "}", value)
    return text


def _lost(path: str, anchor: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path}: the place after `{anchor.strip()}` is not found; nothing was written, tell it there by hand"
    )


PEOPLE, POINTS = (
    "models/intermediate/identity/int_people_united.sql",
    "models/intermediate/identity/int_contact_points_united.sql",
)
UNITED = r"union_sources\('\w+', \[(.*?)\]"
UNIT_TESTS = "models/intermediate/identity/_identity__unit_tests.yml"
NOBODY = "      - input: ref('int_segment__people')\n        rows: []"
CONNECTION = """
  - id: ${name}
    vendor: ${name}
    url: sandbox
    secrets: {token: ${CAPS}_TOKEN}
    settings: {}"""
VENDOR = """    "${name}": Vendor(
        source=lambda landing, _: ${name}.${name}(landing, ${name}.client(landing.connection, landing.clock)),
        tables=lambda _: ${name}.TABLES,
        probe=${name}.probe,
    ),"""


def _every_given(text: str, words: Words, path: str) -> str:
    if f"{NOBODY}\n" not in text:
        raise _lost(path, NOBODY)
    return text.replace(f"{NOBODY}\n", f"{NOBODY}\n{NOBODY.replace('segment', words['name'])}\n")


WIRING: Mapping[str, list[tuple[str, Wire]]] = {
    "segment": [],
    "source": [
        ("mailhouse/settings.py", after("VENDOR_URLS = {", '    "${name}": "https://api.${name}.example",')),
        ("ingestion/vendors.py", each(from_package("ingestion"), after("VENDORS: dict[str, Vendor] = {", VENDOR))),
        ("connections.yml", at_the_end(CONNECTION)),
        (
            "dbt_project.yml",
            each(
                last_of(r"    (\w+): &\1 (true|false)", "    ${name}: &${name} true"),
                last_of(r"      (\w+): \{\+enabled: \*\1\}", "      ${name}: {+enabled: *${name}}"),
            ),
        ),
        (PEOPLE, listed(UNITED, "'${name}'")),
        (POINTS, listed(UNITED, "'${name}'")),
        (UNIT_TESTS, _every_given),
        (
            "mailhouse/privacy/places.py",
            after("PLACES = (", '    Place("${name}", "contacts", "person", "id", emails=("email",)),'),
        ),
        (
            "mailhouse/sandbox/server.py",
            each(
                imported("from mailhouse.sandbox.${name} import ${Title}"),
                listed(r"    vendors = \((.*?)\)\n    mounts", "${Title}"),
            ),
        ),
        ("mailhouse/sandbox/auth.py", after("        fresh = {", '            "${name}": {"token": secrets.token_hex(16)},')),
        (
            "mailhouse/sandbox/limits.py",
            after("VENDOR: dict[str, dict[str, Any]] = {", '    "${name}": {"latency_seconds": 0.0},'),
        ),
    ],
    "destination": [
        (
            "mailhouse/destinations/__init__.py",
            each(
                imported("from mailhouse.destinations.${name} import RULES as ${CAPS}"),
                listed(r"for rules in \((.*?)\)\}", "${CAPS}"),
            ),
        ),
        (
            "mailhouse/sandbox/NAME.py",
            each(
                imported("from mailhouse.sandbox.${name}_lists import list_routes"),
                listed(r"self\.routes = \[(.*?)\]\n", "*list_routes()"),
            ),
        ),
    ],
}
