"""Reads from a warehouse what training needs: patterns of agreement, counted in SQL, and the rules that found the pairs."""

from collections.abc import Sequence
from typing import Any

import duckdb

from mailhouse.errors import ConfigurationError
from mailhouse.identity.em import NAMES, Pattern, Patterns

PARTS = {"names": ("given_name", "family_name"), "email_name": ("email",)}


def read_patterns(connection: duckdb.DuckDBPyConnection, schema: str = "intermediate") -> Patterns:
    """The patterns of the records that the warehouse's scoring models last saw."""
    levels = ", ".join(f"{name}_level" for name in NAMES)
    query = f"select drawn, rules, cast(count_pairs as double), {levels} from {schema}.int_identity_patterns_counted"
    rows = connection.execute(query).fetchall()
    (records,) = connection.execute(f"select count(*) from {schema}.int_identity_records_cleaned").fetchone() or (0,)
    found = {"blocked": [], "sampled": []}
    for drawn, rules, pairs, *known in rows:
        found[drawn].append(Pattern(int(rules), tuple(known), pairs))
    return Patterns(found["blocked"], found["sampled"], records)


def rule_fields(rules: Any) -> Sequence[Sequence[str]]:
    """The comparisons that each rule of `identity_blocking_rules` rests on. Raises ConfigurationError."""
    if not isinstance(rules, list) or not all(isinstance(parts, list) for parts in rules):
        raise ConfigurationError("dbt_project.yml: `identity_blocking_rules` is a list of lists; see docs/identity.md")
    return [[name for part in parts for name in PARTS.get(part, (part.removesuffix("_start"),))] for parts in rules]
