"""What the models' `meta` says about where people go: parsed once, refused at once when it cannot be meant."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mailhouse.destinations import Rules, rules_for
from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection
from mailhouse.sync.identifiers import Relation, is_identifier
from mailhouse.sync.manifest import Manifest, Model, read_manifest
from mailhouse.sync.targets import (
    STOP_IF_ADDED,
    STOP_IF_CHANGED,
    STOP_IF_REMOVED,
    Audience,
    Field,
    ProfileModel,
    Targets,
)

MODES = ("mirror", "upsert", "update_only", "insert_only", "shadow")
AUDIENCE_KEYS = (
    "destination",
    "audience",
    "tag",
    "purpose",
    "mode",
    "priority",
    "holdout",
    "rollout",
    "stop_if_removed",
    "stop_if_added",
    "stop_if_changed",
)
PROFILE_KEYS = ("destination", "key", "fields")
FIELD_KEYS = ("field", "type", "if_null")
FIELD_KINDS = ("text", "number", "date", "boolean")
PERSON, MAILBOX, SPEAKER, STATUS, ESP_ID = "customer_id", "mailbox", "profile_customer_id", "esp_status", "esp_id"


def read_audiences(manifest_path: Path, connections: Mapping[str, Connection]) -> Targets:
    """Parse every `reverse_sync` and `profile_of` of a manifest.

    Raises ConfigurationError: one line with the model, the key and what is allowed there.
    """
    return parse_targets(read_manifest(manifest_path), connections)


def parse_targets(manifest: Manifest, connections: Mapping[str, Connection]) -> Targets:
    """As `read_audiences`, of a manifest already read."""
    rules = {name: found for name, connection in connections.items() if (found := rules_for(connection.vendor))}
    profiles: dict[str, ProfileModel] = {}
    audiences: list[Audience] = []
    for model in sorted(manifest.models.values(), key=lambda model: model.name):
        if "profile_of" in model.meta:
            profile = _profile(model, rules)
            if profile.destination in profiles:
                other = profiles[profile.destination].model
                _refuse(model, "profile_of.destination", f"{profile.destination} already has {other}; keep one of the two")
            profiles[profile.destination] = profile
        if "reverse_sync" in model.meta:
            audiences.extend(_audiences(model, rules))
    _consistent(audiences, profiles, manifest)
    return Targets(
        audiences=tuple(audiences),
        profiles=profiles,
        consent_status=manifest.relation("consent_status"),
        consent_events=manifest.relation("consent_events"),
    )


def _refuse(model: Model, key: str, trouble: str) -> None:
    raise ConfigurationError(f"{model.place}: {key}: {trouble}")


def _only_known(model: Model, where: str, entry: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in entry:
        if key not in known:
            _refuse(model, f"{where}.{key}", f"unknown key; known are {', '.join(known)}")


def _destination(model: Model, where: str, entry: Mapping[str, Any], rules: Mapping[str, Rules]) -> str:
    name = entry.get("destination")
    if name not in rules:
        known = ", ".join(sorted(rules)) or "none: connections.yml has no ESP"
        _refuse(model, f"{where}.destination", f"{name!r} is not a connection that can be written to; known are {known}")
    return str(name)


def _text(model: Model, where: str, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip() or len(value) > 100 or not value.isprintable():
        _refuse(model, f"{where}.{key}", "required: a text of 1 to 100 printable characters")
    return value.strip()


def _number(
    model: Model, where: str, entry: Mapping[str, Any], key: str, default: Any, fits: Callable[[Any], bool], allowed: str
) -> Any:
    if key not in entry:
        return default
    value = entry[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not fits(value):
        _refuse(model, f"{where}.{key}", f"{value!r} does not fit; allowed is {allowed}")
    return value


def _audiences(model: Model, rules: Mapping[str, Rules]) -> list[Audience]:
    entries = model.meta["reverse_sync"]
    if not isinstance(entries, list) or not entries:
        _refuse(model, "reverse_sync", "must be a list with at least one destination")
    if model.columns and PERSON not in model.columns:
        _refuse(model, "reverse_sync", f"a segment needs a column {PERSON}, one row a person")
    return [_audience(model, f"reverse_sync[{number}]", entry, rules) for number, entry in enumerate(entries)]


def _audience(model: Model, where: str, entry: Any, rules: Mapping[str, Rules]) -> Audience:
    if not isinstance(entry, Mapping):
        _refuse(model, where, f"must be keys and values; known keys are {', '.join(AUDIENCE_KEYS)}")
    _only_known(model, where, entry, AUDIENCE_KEYS)
    destination = _destination(model, where, entry, rules)
    audience = _text(model, where, entry, "audience")
    if rules[destination].needs_tag:
        tag = _text(model, where, entry, "tag")
    elif "tag" in entry:
        _refuse(model, f"{where}.tag", f"{destination} has no tags; leave it out")
    else:
        tag = ""
    purpose = entry.get("purpose")
    if not is_identifier(purpose):
        _refuse(model, f"{where}.purpose", "required: the purpose people consented to, in lower-case letters, digits and _")
    mode = entry.get("mode", "mirror")
    if mode not in MODES:
        _refuse(model, f"{where}.mode", f"{mode!r} is unknown; known are {', '.join(MODES)}")

    def share(key: str, default: float) -> float:
        return float(_number(model, where, entry, key, default, lambda value: 0 <= value <= 1, "a share from 0 to 1"))

    priority = _number(model, where, entry, "priority", 0, lambda value: isinstance(value, int), "a whole number")
    container, membership = rules[destination].place(audience, tag)
    return Audience(
        segment=model.name,
        relation=_relation(model),
        destination=destination,
        container=container,
        membership=membership,
        purpose=str(purpose),
        mode=str(mode),
        priority=priority,
        holdout=share("holdout", 0.0),
        rollout=share("rollout", 1.0),
        stop_if_removed=share("stop_if_removed", STOP_IF_REMOVED),
        stop_if_added=share("stop_if_added", STOP_IF_ADDED),
        stop_if_changed=share("stop_if_changed", STOP_IF_CHANGED),
    )


def _profile(model: Model, rules: Mapping[str, Rules]) -> ProfileModel:
    entry = model.meta["profile_of"]
    if not isinstance(entry, Mapping):
        _refuse(model, "profile_of", f"must be keys and values; known keys are {', '.join(PROFILE_KEYS)}")
    _only_known(model, "profile_of", entry, PROFILE_KEYS)
    destination = _destination(model, "profile_of", entry, rules)
    if model.name != f"{destination}_profiles":
        _refuse(model, "profile_of.destination", f"the profile model of {destination} is called {destination}_profiles")
    if PERSON not in model.columns:
        _refuse(model, "profile_of", f"the model documents no column {PERSON}, one row a person")
    key = _column(model, "profile_of.key", entry.get("key"))
    fields = entry.get("fields", {})
    if not isinstance(fields, Mapping):
        _refuse(model, "profile_of.fields", "must say column: field of the ESP, one a line")
    parsed: list[Field] = []
    owners: dict[str, str] = {}
    for column, said in fields.items():
        field = _field(model, str(column), said, rules[destination])
        if field.name in owners:
            where = f"profile_of.fields.{column}"
            _refuse(model, where, f"{field.name} is already filled by {owners[field.name]}; a field has one owner")
        owners[field.name] = field.column
        parsed.append(field)
    return ProfileModel(
        destination=destination,
        relation=_relation(model),
        model=model.name,
        key=key,
        fields=tuple(sorted(parsed, key=lambda field: field.name)),
        mailbox=MAILBOX if MAILBOX in model.columns else None,
        speaker=SPEAKER if SPEAKER in model.columns else None,
        status=STATUS if STATUS in model.columns else None,
        esp_id=ESP_ID if ESP_ID in model.columns else None,
    )


def _field(model: Model, column: str, said: Any, rules: Rules) -> Field:
    """`column: NAME`, or `column: {field: NAME, type: …, if_null: clear | leave}`."""
    where = f"profile_of.fields.{column}"
    column = _column(model, where, column)
    entry = said if isinstance(said, Mapping) else {"field": said}
    _only_known(model, where, entry, FIELD_KEYS)
    name = entry.get("field")
    if trouble := rules.field_trouble(name):
        _refuse(model, where, trouble)
    kind, if_null = entry.get("type"), entry.get("if_null", "clear")
    if kind is not None and kind not in FIELD_KINDS:
        _refuse(model, f"{where}.type", f"{kind!r} is unknown; known are {', '.join(FIELD_KINDS)}")
    if if_null not in ("clear", "leave"):
        _refuse(model, f"{where}.if_null", f"{if_null!r} is unknown; known are clear, leave")
    purpose = model.columns[column].get("purpose")
    if purpose is not None and not is_identifier(purpose):
        _refuse(model, f"columns.{column}.purpose", f"{purpose!r} is no purpose; use lower-case letters, digits and _")
    return Field(column=column, name=str(name), purpose=purpose, kind=kind, null_leaves=if_null == "leave")


def _relation(model: Model) -> Relation:
    try:
        _ = model.relation.sql
    except ConfigurationError as error:
        raise ConfigurationError(f"{model.place}: {error}") from error
    return model.relation


def _column(model: Model, where: str, column: Any) -> str:
    if not is_identifier(column) or column not in model.columns:
        _refuse(model, where, f"{column!r} is not a column of {model.name}; known are {', '.join(sorted(model.columns))}")
    return str(column)


def _consistent(audiences: list[Audience], profiles: Mapping[str, ProfileModel], manifest: Manifest) -> None:
    seen: dict[tuple[str, str, str, str], Audience] = {}
    for audience in audiences:
        model = manifest.models[audience.segment]
        if audience.destination not in profiles:
            missing = f"{audience.destination}_profiles"
            _refuse(model, "reverse_sync.destination", f"the project has no model {missing} with `profile_of`; add it")
        same = (audience.segment, audience.destination, audience.container, audience.membership)
        if same in seen:
            _refuse(model, "reverse_sync", f"names {audience.name} twice; keep one")
        seen[same] = audience
    modes: dict[tuple[str, str, str], Audience] = {}
    for audience in audiences:
        first = modes.setdefault((audience.destination, audience.container, audience.membership), audience)
        if first.mode != audience.mode:
            model = manifest.models[audience.segment]
            other = f"{first.mode} in {first.segment}"
            _refuse(model, "reverse_sync.mode", f"{audience.name} is {other}; one membership has one mode")
