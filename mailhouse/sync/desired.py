"""Desired state as sets: segments x profile model x consent, one document per destination, list and mailbox."""

from collections.abc import Mapping

import duckdb

from mailhouse.destinations import rules_for
from mailhouse.errors import ConfigurationError, SyncRefused
from mailhouse.settings import Connection
from mailhouse.sync.audiences import PERSON
from mailhouse.sync.consent import ConsentState, create_consent, exists
from mailhouse.sync.decisions import create_decisions
from mailhouse.sync.identifiers import quoted
from mailhouse.sync.targets import Audience, Field, ProfileModel, Targets

# what can be an address at all; whether it exists is for the ESP to say
_ADDRESS = r"^[^@\s<>(),;:\\\"\[\]]+@[^@\s<>(),;:\\\"\[\].]+(\.[^@\s<>(),;:\\\"\[\].]+)+$"
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
_NUMBERS = (*_WHOLE, "FLOAT", "DOUBLE", "DECIMAL")
_DAYS = ("DATE", "TIMESTAMP")


def text(value: str) -> str:
    """A value as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def field_kinds(connection: duckdb.DuckDBPyConnection, profile: ProfileModel) -> dict[str, str]:
    """The kind (text, number, date, boolean) of each field of the ESP: what the mapping says, else the column's own type.

    Raises SyncRefused when the profile model is not built, ConfigurationError when it lacks a column or a type does not fit.
    """
    if not exists(connection, profile.relation):
        raise SyncRefused(f"{profile.model}: not built; run `mailhouse run` first")
    types = {name.lower(): kind for name, kind, *_ in connection.execute(f"describe {profile.relation.sql}").fetchall()}
    special = (profile.mailbox, profile.speaker, profile.status, profile.esp_id)
    for column in (PERSON, profile.key, *special, *(field.column for field in profile.fields)):
        if column is not None and column not in types:
            lacking = f"{profile.model}: the built model has no column {column}"
            raise ConfigurationError(f"{lacking}; run `mailhouse run`, or correct `profile_of`")
    kinds = {}
    for field in profile.fields:
        there = _kind(types[field.column])
        kinds[field.name] = field.kind or there
        if kinds[field.name] not in (there, "text"):
            said = f"{profile.model}: profile_of.fields.{field.column}.type: the column holds {there}, not {field.kind}"
            raise ConfigurationError(f"{said}; cast it in the model, or say another type")
    return kinds


def _kind(column_type: str) -> str:
    if column_type.startswith(_NUMBERS):
        return "number"
    if column_type == "BOOLEAN":
        return "boolean"
    return "date" if column_type.startswith(_DAYS) else "text"


def create_desired(
    connection: duckdb.DuckDBPyConnection,
    targets: Targets,
    connections: Mapping[str, Connection],
    consent: ConsentState,
    held_back: Mapping[str, str],
    selected: frozenset[str],
) -> dict[str, dict[str, str]]:
    """Make the temporary tables that say what should be; returns the kinds of the fields by destination.

    `sync_targets` one row each declaration · `sync_people` one row each person of a profile model · `sync_decisions` one row
    each person and declaration, `reason` null for those who are in · `sync_wanted` one row each membership that should be.
    """
    create_consent(connection, targets, consent)
    kinds = {name: field_kinds(connection, profile) for name, profile in targets.profiles.items()}
    _create_targets(connection, targets, held_back, selected)
    people = [_people(profile, kinds[name], connections[name].vendor) for name, profile in targets.profiles.items()]
    picked = _PICKED.format(people=" union all ".join(people) or _NOBODY)
    connection.execute(f"create or replace temp table sync_people as {picked}")
    members = [_members(connection, number, audience) for number, audience in enumerate(targets.audiences)]
    body = " union all ".join(member for member in members if member) or "select 0 as target_id, '' as customer_id where false"
    connection.execute(f"create or replace temp table sync_members as {body}")
    create_decisions(connection, consent.status)
    return kinds


def _create_targets(
    connection: duckdb.DuckDBPyConnection, targets: Targets, held_back: Mapping[str, str], selected: frozenset[str]
) -> None:
    connection.execute(
        "create or replace temp table sync_targets (target_id integer, segment varchar, destination varchar, container varchar,"
        " membership varchar, purpose varchar, mode varchar, priority integer, holdout double, rollout double,"
        " held_back varchar, is_selected boolean)"
    )
    rows = [
        (
            *(number, audience.segment, audience.destination, audience.container, audience.membership, audience.purpose),
            *(audience.mode, audience.priority, audience.holdout, audience.rollout),
            *(audience.held_by(held_back), audience.segment in selected),
        )
        for number, audience in enumerate(targets.audiences)
    ]
    if rows:
        connection.executemany("insert into sync_targets values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _people(profile: ProfileModel, kinds: Mapping[str, str], vendor: str) -> str:
    rules = rules_for(vendor)
    if rules is None:
        raise ConfigurationError(f"{profile.destination}: {vendor} is not an ESP that can be written to")
    # every column is qualified: inside the look at consent a bare name would mean consent's own column
    address = f"nullif(trim(cast(profile.{quoted(profile.key)} as varchar)), '')"
    # consent is kept in the widest form of an address; lower-case is the nearest to it when the model has no such column
    mailbox = f"cast(profile.{quoted(profile.mailbox)} as varchar)" if profile.mailbox else f"lower({address})"
    person = f"cast(profile.{quoted(PERSON)} as varchar)"
    speaks = f"{person} = cast(profile.{quoted(profile.speaker)} as varchar)" if profile.speaker else "true"
    status = f"cast(profile.{quoted(profile.status)} as varchar)" if profile.status else "null::varchar"
    esp_id = f"cast(profile.{quoted(profile.esp_id)} as varchar)" if profile.esp_id else "null::varchar"
    purposes = sorted({field.purpose for field in profile.fields if field.purpose is not None})
    granted = ", ".join(f"case when {_granted(mailbox, purpose)} then {text(purpose)} end" for purpose in purposes)
    return f"""
        select
            {text(profile.destination)} as destination,
            {person} as customer_id,
            coalesce({speaks}, false) as speaks,
            {address} as address,
            {mailbox} as mailbox,
            lower({status}) as esp_status,
            {esp_id} as esp_id,
            {rules.key_sql(address)} as document_key,
            {_fields(profile, kinds, mailbox)} as fields,
            cast([{granted}] as varchar[]) as field_purposes
        from {profile.relation.sql} as profile
    """


def _fields(profile: ProfileModel, kinds: Mapping[str, str], mailbox: str) -> str:
    """SQL for the document's fields as canonical JSON; a field whose null leaves what is there is absent when null."""
    values = [(field, _value(field, kinds[field.name], mailbox)) for field in profile.fields]
    if not any(field.null_leaves for field in profile.fields):
        return f"cast(json_object({', '.join(f'{text(field.name)}, {value}' for field, value in values)}) as varchar)"
    pairs = []
    for field, value in values:
        pair = f"to_json({text(field.name)}) || ':' || coalesce(cast(to_json({value}) as varchar), 'null')"
        pairs.append(f"case when {value} is not null then {pair} end" if field.null_leaves else pair)
    present = f"list_filter([{', '.join(pairs)}], lambda pair: pair is not null)"
    return f"'{{' || array_to_string({present}, ',') || '}}'"


def _value(field: Field, kind: str, mailbox: str) -> str:
    column = f"profile.{quoted(field.column)}"
    # a moment is sent as its day: the ESP's dates have no time
    value = f"cast({column} as date)" if kind == "date" else column
    if field.kind == "text":
        value = f"cast({column} as varchar)"
    return value if field.purpose is None else f"case when {_granted(mailbox, field.purpose)} then {value} end"


def _granted(mailbox: str, purpose: str) -> str:
    return (
        f"exists (select 1 from sync_consent where sync_consent.mailbox = {mailbox}"
        f" and sync_consent.purpose = {text(purpose)} and sync_consent.is_allowed)"
    )


def _members(connection: duckdb.DuckDBPyConnection, number: int, audience: Audience) -> str | None:
    if not exists(connection, audience.relation):
        # the caller has held the segment back by name
        return None
    columns = {name.lower() for name, *_ in connection.execute(f"describe {audience.relation.sql}").fetchall()}
    if PERSON not in columns:
        raise ConfigurationError(f"{audience.segment}: the built model has no column {PERSON}; a segment gives one a row")
    person = quoted(PERSON)
    return (
        f"select distinct {number} as target_id, cast({person} as varchar) as customer_id"
        f" from {audience.relation.sql} where {person} is not null"
    )


_NOBODY = (
    "select null::varchar as destination, null::varchar as customer_id, null::boolean as speaks, null::varchar as address,"
    " null::varchar as mailbox, null::varchar as esp_status, null::varchar as esp_id, null::varchar as document_key,"
    " null::varchar as fields, null::varchar[] as field_purposes"
    " where false"
)

_PICKED = f"""
    with people as ({{people}})
    select
        *,
        coalesce(length(address) <= 254 and regexp_full_match(address, {text(_ADDRESS)}), false) as is_valid,
        -- the profile model picks who speaks for a shared mailbox; where it leaves several, the lowest id does
        row_number() over (partition by destination, document_key order by speaks desc, customer_id, fields) = 1 as is_picked
    from people
"""
