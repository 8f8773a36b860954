"""The raw tables as files in git (`<vendor>.yml` beside this module), so that a change of what is landed is seen in a diff."""

from pathlib import Path
from typing import Any

import yaml

from ingestion.vendors import VENDORS
from mailhouse.settings import Settings

FOLDER = Path(__file__).parent
HEADER = (
    "# The tables of raw_{vendor} as they are landed: written by `python -m ingestion.schemas`, compared by a test.\n"
    "# Every table also carries _dlt_load_id, the load that wrote the row last.\n"
)


def described(vendor: str, settings: Settings) -> dict[str, Any]:
    """The tables of a vendor with their keys and their columns' types."""
    tables = {}
    for fields in VENDORS[vendor].tables(settings):
        columns: dict[str, str] = {"connection_id": "text"}
        columns |= {field.name: field.type for field in fields.fields}
        tables[fields.table] = {"key": list(fields.primary_key), "columns": columns}
    return {"schema": f"raw_{vendor}", "tables": tables}


def text(vendor: str, settings: Settings) -> str:
    """The whole file of a vendor."""
    return HEADER.format(vendor=vendor) + yaml.safe_dump(described(vendor, settings), sort_keys=False, width=130)


def export(settings: Settings, folder: Path = FOLDER) -> list[Path]:
    """Rewrite every vendor's file; the paths of those that changed."""
    changed = []
    for vendor in VENDORS:
        path = folder / f"{vendor}.yml"
        said = text(vendor, settings)
        if not path.exists() or path.read_text(encoding="utf-8") != said:
            path.write_text(said, encoding="utf-8")
            changed.append(path)
    return changed
