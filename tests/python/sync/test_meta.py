"""A `meta` that cannot be meant is refused with one line that names the model, the key and what is allowed."""

import json
from types import MappingProxyType

import pytest

from mailhouse.errors import ConfigurationError
from mailhouse.settings import Connection
from mailhouse.sync.audiences import read_audiences
from mailhouse.sync.identifiers import quoted

CONNECTIONS = MappingProxyType(
    {
        "mailchimp": Connection("mailchimp", "mailchimp", "http://127.0.0.1:9"),
        "shopify": Connection("shopify", "shopify", "http://127.0.0.1:9"),
    }
)
ENTRY = {"destination": "mailchimp", "audience": "Customers", "tag": "VIP", "purpose": "marketing_email"}
PROFILE = {"destination": "mailchimp", "key": "email", "fields": {"first_name": "FNAME"}}
COLUMNS = ("customer_id", "email", "first_name", "mailbox")


def parse(tmp_path, entries=(ENTRY,), profile=PROFILE, profile_name="mailchimp_profiles", more=(), **changes):
    segment = {
        "resource_type": "model",
        "name": "seg_vip",
        "schema": "segments",
        "database": "warehouse",
        "original_file_path": "models/segments/seg_vip.sql",
        "config": {"meta": {"reverse_sync": list(entries) if isinstance(entries, tuple) else entries}},
        "columns": {"customer_id": {}},
        **changes,
    }
    profiles = {
        **segment,
        "name": profile_name,
        "schema": "profiles",
        "original_file_path": f"models/profiles/{profile_name}.sql",
        "config": {"meta": {"profile_of": profile} if profile is not None else {}},
        "columns": {name: {} for name in COLUMNS},
    }
    path = tmp_path / "manifest.json"
    nodes = [segment, profiles, *({**segment, **one} for one in more)]
    path.write_text(json.dumps({"nodes": {f"model.p.{number}": node for number, node in enumerate(nodes)}}))
    return read_audiences(path, CONNECTIONS)


def test_a_good_meta_becomes_what_the_sync_uses(tmp_path):
    entry = {**ENTRY, "mode": "upsert", "holdout": 0.1, "rollout": 0.5, "stop_if_removed": 0.2, "priority": 0}
    targets = parse(tmp_path, (entry,))
    (audience,) = targets.audiences
    assert (audience.segment, audience.membership, audience.mode, audience.holdout, audience.rollout) == (
        "seg_vip",
        "VIP",
        "upsert",
        0.1,
        0.5,
    )
    assert audience.stop_if_removed == 0.2
    assert (audience.stop_if_added, audience.stop_if_changed) == (0.5, 0.3)
    assert audience.relation.sql == '"warehouse"."segments"."seg_vip"'
    profile = targets.profiles["mailchimp"]
    assert (profile.key, profile.mailbox, profile.fields[0].name) == ("email", "mailbox", "FNAME")


def without(key):
    return {name: value for name, value in ENTRY.items() if name != key}


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({**ENTRY, "tags": "x"}, "reverse_sync[0].tags: unknown key; known are destination, audience, tag, purpose, mode"),
        (
            {**ENTRY, "destination": "klaviyo"},
            "reverse_sync[0].destination: 'klaviyo' is not a connection that can be written to; known are mailchimp",
        ),
        ({**ENTRY, "destination": "shopify"}, "'shopify' is not a connection that can be written to; known are mailchimp"),
        (without("destination"), "reverse_sync[0].destination: None is not a connection"),
        (without("audience"), "reverse_sync[0].audience: required"),
        (without("tag"), "reverse_sync[0].tag: required"),
        (without("purpose"), "reverse_sync[0].purpose: required"),
        ({**ENTRY, "purpose": "Marketing E-mail'; drop"}, "reverse_sync[0].purpose: required"),
        ({**ENTRY, "audience": "  "}, "reverse_sync[0].audience: required: a text"),
        ({**ENTRY, "audience": 7}, "reverse_sync[0].audience: required: a text"),
        ({**ENTRY, "tag": "a\nb"}, "reverse_sync[0].tag: required: a text"),
        ({**ENTRY, "mode": "mirrored"}, "reverse_sync[0].mode: 'mirrored' is unknown; known are mirror, upsert"),
        ({**ENTRY, "holdout": 1.5}, "reverse_sync[0].holdout: 1.5 does not fit; allowed is a share from 0 to 1"),
        ({**ENTRY, "holdout": "10%"}, "reverse_sync[0].holdout: '10%' does not fit"),
        ({**ENTRY, "rollout": True}, "reverse_sync[0].rollout: True does not fit"),
        ({**ENTRY, "rollout": float("nan")}, "reverse_sync[0].rollout: nan does not fit"),
        ({**ENTRY, "priority": 1.5}, "reverse_sync[0].priority: 1.5 does not fit; allowed is a whole number"),
        ({**ENTRY, "stop_if_removed": -1}, "reverse_sync[0].stop_if_removed: -1 does not fit"),
        ("mailchimp", "reverse_sync[0]: must be keys and values"),
    ],
)
def test_a_bad_entry_is_refused_with_its_place(tmp_path, entry, line):
    with pytest.raises(ConfigurationError) as refused:
        parse(tmp_path, (entry,))
    assert line in str(refused.value)
    assert str(refused.value).startswith("models/segments/seg_vip.sql: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("profile", "line"),
    [
        ({**PROFILE, "colour": 1}, "profile_of.colour: unknown key; known are destination, key, fields"),
        (
            {**PROFILE, "key": "mail"},
            "profile_of.key: 'mail' is not a column of mailchimp_profiles; known are customer_id, email, first_name, mailbox",
        ),
        ({**PROFILE, "key": None}, "profile_of.key: None is not a column"),
        (
            {**PROFILE, "fields": {"surname": "LNAME"}},
            "profile_of.fields.surname: 'surname' is not a column of mailchimp_profiles",
        ),
        ({**PROFILE, "fields": {'x" from y': "LNAME"}}, "is not a column of mailchimp_profiles"),
        (
            {**PROFILE, "fields": {"first_name": "First name"}},
            "profile_of.fields.first_name: 'First name' is no merge tag; use 1 to 10 of A-Z",
        ),
        ({**PROFILE, "fields": {"first_name": "EMAIL"}}, "EMAIL is a merge tag of Mailchimp's own"),
        (
            {**PROFILE, "fields": {"first_name": "FNAME", "email": "FNAME"}},
            "FNAME is already filled by first_name; a field has one owner",
        ),
        ({**PROFILE, "fields": ["first_name"]}, "profile_of.fields: must say column: field of the ESP"),
        ({**PROFILE, "destination": "hubspot"}, "profile_of.destination: 'hubspot' is not a connection that can be written to"),
        ("email", "profile_of: must be keys and values"),
    ],
)
def test_a_bad_profile_is_refused_with_its_place(tmp_path, profile, line):
    with pytest.raises(ConfigurationError) as refused:
        parse(tmp_path, profile=profile)
    assert line in str(refused.value)
    assert str(refused.value).startswith("models/profiles/mailchimp_profiles.sql: ")


def test_a_profile_model_of_another_name_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="the profile model of mailchimp is called mailchimp_profiles"):
        parse(tmp_path, profile_name="profiles_of_mailchimp")


def test_a_destination_without_a_profile_model_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="the project has no model mailchimp_profiles with `profile_of`; add it"):
        parse(tmp_path, profile=None)


def test_the_same_audience_twice_in_one_segment_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="names mailchimp: Customers / VIP twice"):
        parse(tmp_path, (ENTRY, ENTRY))


def test_one_membership_has_one_mode(tmp_path):
    other = {"name": "seg_other", "config": {"meta": {"reverse_sync": [{**ENTRY, "mode": "upsert"}]}}}
    with pytest.raises(ConfigurationError, match="one membership has one mode"):
        parse(tmp_path, more=(other,))


def test_no_list_of_entries_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="must be a list with at least one destination"):
        parse(tmp_path, {})


def test_a_relation_that_is_no_plain_name_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"seg_vip.sql: .*not a name SQL may hold"):
        parse(tmp_path, schema='x"; drop table y; --')


@pytest.mark.parametrize("name", ["a b", "A", "1a", 'a"', "a;", "", "é", "a" * 64, "a.b", "a\n"])
def test_only_plain_names_reach_sql(name):
    with pytest.raises(ConfigurationError):
        quoted(name)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"nodes": []}'])
def test_a_manifest_that_is_none_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match="dbt parse"):
        read_audiences(path, CONNECTIONS)
