"""Which columns hold personal data: `meta.pii` of the models' and sources' YAML, said once and read by whoever needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mailhouse.errors import ConfigurationError

KINDS = {
    "email": "an address of a mailbox",
    "phone": "a phone number",
    "contact": "an address or a phone number",
    "name": "a name or a part of one",
    "address": "where somebody lives: street, town, postal code",
    "birth_date": "a day of birth",
    "ip": "an IP address",
    "profile": "several of these in one value, such as JSON",
    "pseudonym": "an id that leads to one person by way of another table",
}


@dataclass(frozen=True)
class PersonalColumn:
    """One column of one table, in the warehouse's names, and which kind of KINDS it holds."""

    schema: str
    table: str
    column: str
    kind: str


def personal_columns(manifest: Mapping[str, Any]) -> list[PersonalColumn]:
    """Every column that is marked, of sources, seeds and models. Raises ConfigurationError for a kind that does not exist."""
    found = []
    for node in (*manifest["sources"].values(), *manifest["nodes"].values()):
        if node["resource_type"] not in {"source", "seed", "model"}:
            continue
        for column in node["columns"].values():
            meta = {**column.get("meta", {}), **(column.get("config") or {}).get("meta", {})}
            kind = meta.get("pii")
            if kind is None:
                continue
            if kind not in KINDS:
                described = (node.get("patch_path") or node["original_file_path"]).split("://")[-1]
                place = f"{described}: {node['name']}.{column['name']}"
                raise ConfigurationError(f"{place}: `pii: {kind}`; say one of {', '.join(KINDS)}")
            table = node.get("alias") or node.get("identifier") or node["name"]
            found.append(PersonalColumn(node["schema"], table, column["name"], kind))
    return found
