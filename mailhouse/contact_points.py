"""The normal form of every e-mail address and phone number, worked out once per raw value.

Which raw columns hold contact points is said in the sources' YAML (`config.meta.contact_point: email|phone`,
`region_column` for phones, `separator` for columns that hold several). Matching is narrow for what a person
grants and wide for what a person refuses; plus-tags and dots are never folded.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import phonenumbers
import pyarrow as pa
from email_validator import EmailNotValidError, validate_email

from mailhouse.errors import ConfigurationError

RULE_VERSION = 1  # raise it when a rule below changes: the table is then made anew, and nothing else
BATCH = 50_000
KINDS = ("email", "phone")
SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("raw_value", pa.string()),
        ("region", pa.string()),
        ("narrow", pa.string()),
        ("wide", pa.string()),
        ("is_valid", pa.bool_()),
        ("reason", pa.string()),
        ("rule_version", pa.int64()),
    ]
)
CREATE = """
create schema if not exists raw_contact_points;
create table if not exists raw_contact_points.normalised (
    kind varchar not null, raw_value varchar not null, region varchar not null,
    narrow varchar, wide varchar, is_valid boolean not null, reason varchar, rule_version bigint not null
)
"""


@dataclass(frozen=True)
class ContactColumn:
    """A raw column that holds addresses or phone numbers."""

    table: str  # schema.table, quoted
    column: str
    kind: str
    region_column: str | None = None
    separator: str | None = None


@dataclass(frozen=True)
class NormalForm:
    """A contact point's forms: `narrow` identifies, `wide` is what a refusal is matched by."""

    narrow: str | None
    wide: str | None
    is_valid: bool
    reason: str | None = None


def normalise_email(raw: str) -> NormalForm:
    """The forms of an address; an invalid one keeps a wide form, so that a refusal under it still counts."""
    text = unicodedata.normalize("NFC", raw.strip()).rstrip(".")
    if not text:
        return NormalForm(None, None, False, "empty")
    try:
        valid = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        return NormalForm(None, unicodedata.normalize("NFKC", text).lower(), False, _reason(error))
    domain = (valid.ascii_domain or valid.domain).lower()
    wide = unicodedata.normalize("NFKC", valid.local_part).lower()
    return NormalForm(f"{valid.local_part}@{domain}", f"{wide}@{domain}", True)


def wide_of(raw: str) -> str | None:
    """The wide form of an address, as `normalise_email` gives it; quick for the plain ones, which are nearly all."""
    text = raw.strip().rstrip(".")
    if text.isascii() and "@" in text and '"' not in text and "xn--" not in text:
        return text.lower()
    return normalise_email(raw).wide


def normalise_phone(raw: str, region: str) -> NormalForm:
    """E.164 for a number that can exist in `region` (two letters, or empty when only international ones can be read)."""
    text = raw.strip()
    if not text:
        return NormalForm(None, None, False, "empty")
    try:
        number = phonenumbers.parse(text, region.upper() or None)
    except phonenumbers.NumberParseException:
        return NormalForm(None, None, False, "not a phone number")
    if not phonenumbers.is_possible_number(number):
        return NormalForm(None, None, False, "not a possible number")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return NormalForm(e164, e164, True)


def contact_columns(manifest: Mapping[str, Any]) -> list[ContactColumn]:
    """The columns that the sources' YAML marks; raises ConfigurationError for a kind that does not exist."""
    found = []
    for source in manifest["sources"].values():
        table = f'"{source["schema"]}"."{source["identifier"]}"'
        for column in source["columns"].values():
            meta = {**column.get("meta", {}), **(column.get("config") or {}).get("meta", {})}
            kind = meta.get("contact_point")
            if kind is None:
                continue
            if kind not in KINDS:
                where = f"source {source['source_name']}.{source['name']}, column {column['name']}"
                raise ConfigurationError(f"{where}: `contact_point: {kind}`; say one of {', '.join(KINDS)}")
            found.append(ContactColumn(table, column["name"], kind, meta.get("region_column"), meta.get("separator")))
    return found


def normalise(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> int:
    """Bring `raw_contact_points.normalised` up to date with what has landed; gives back how many values were new.

    Tables that have not landed yet are passed over: their source is absent or has never succeeded.
    """
    connection.execute(CREATE)
    connection.execute("delete from raw_contact_points.normalised where rule_version <> ?", [RULE_VERSION])
    landed = connection.execute(
        "select table_schema, table_name from information_schema.tables where table_catalog = current_database()"
    ).fetchall()
    present = {f'"{schema}"."{table}"' for schema, table in landed}
    selects = [_select(column) for column in contact_columns(manifest) if column.table in present]
    if not selects:
        return 0
    connection.execute(
        "create or replace temporary table contact_points_wanted as "
        "select distinct wanted.kind, wanted.raw_value, wanted.region from (" + " union all ".join(selects) + ") as wanted "
        "anti join raw_contact_points.normalised using (kind, raw_value, region) where wanted.raw_value is not null"
    )
    database = connection.execute("select current_database()").fetchall()[0][0]
    reader = connection.execute("select kind, raw_value, region from contact_points_wanted").to_arrow_reader(BATCH)
    added = 0
    writer = connection.cursor()
    # a cursor starts in the connection's own database, which for an encrypted warehouse is another one, in memory
    writer.execute(f'use "{database}"')
    for batch in reader:
        table = normal_forms(batch)
        writer.register("contact_points_batch", table)
        writer.execute("insert into raw_contact_points.normalised select * from contact_points_batch")
        writer.unregister("contact_points_batch")
        added += table.num_rows
    writer.close()
    connection.execute("drop table contact_points_wanted")
    return added


def _select(column: ContactColumn) -> str:
    value = f'cast("{column.column}" as varchar)'
    if column.separator:
        value = f"unnest(string_split({value}, '{column.separator}'))"
    region = f"coalesce(upper(\"{column.region_column}\"), '')" if column.region_column else "''"
    return f"select '{column.kind}' as kind, {value} as raw_value, {region} as region from {column.table}"


def normal_forms(batch: pa.RecordBatch | pa.Table) -> pa.Table:
    """The rows of `raw_contact_points.normalised` for values given as kind, raw_value and region."""
    kinds, values, regions = (batch.column(name).to_pylist() for name in ("kind", "raw_value", "region"))
    forms = [
        normalise_email(value) if kind == "email" else normalise_phone(value, region)
        for kind, value, region in zip(kinds, values, regions, strict=True)
    ]
    columns = [kinds, values, regions]
    columns += [[getattr(form, name) for form in forms] for name in ("narrow", "wide", "is_valid", "reason")]
    columns.append([RULE_VERSION] * len(forms))
    return pa.table([pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def _reason(error: EmailNotValidError) -> str:
    """The library's reason without the quoted parts, which may repeat the address."""
    return re.sub(r"['\"“‘].*?['\"”’]", "…", str(error)).split(":")[0][:120]
