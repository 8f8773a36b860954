"""What is wrong with an account, as sets: one row each record (or person) and thing that is wrong with it."""

import json
from collections.abc import Mapping

import duckdb
import pyarrow as pa

from mailhouse.destinations import Rules
from mailhouse.errors import SyncRefused
from mailhouse.sync.consent import exists
from mailhouse.sync.context import Context
from mailhouse.sync.identifiers import Relation
from mailhouse.sync.manifest import read_manifest
from mailhouse.takeover.account import create_temporary

KINDS = ("said_no", "bad_address", "not_permitted", "should_leave", "missing", "unknown", "differs", "dead")
COLUMNS = (*("kind", "container", "membership", "reason", "put_there_by", "address", "vendor_id", "document_key", "customer_id"),)

_TABLE = """
    create or replace temp table takeover_findings (
        kind varchar, container varchar, membership varchar, reason varchar, put_there_by varchar, address varchar,
        vendor_id varchar, document_key varchar, customer_id varchar
    )
"""

# Every address of every customer, and whether anything but the account itself knows of the customer: what we wrote there
# comes back with the next landing and knows nobody.
_KNOWN = """
    create or replace temp table takeover_known as
    with known_elsewhere as (
        select distinct customer_id from {records} where connection_id <> $destination
    )
    select
        mailboxes.mailbox,
        min(mailboxes.customer_id) as customer_id,
        bool_or(known_elsewhere.customer_id is not null) as is_known_elsewhere
    from {mailboxes} as mailboxes
    left join known_elsewhere on mailboxes.customer_id = known_elsewhere.customer_id
    where mailboxes.mailbox is not null
    group by mailboxes.mailbox
"""

# the account would mail them, and nothing that the destination's segments are for is permitted: the person refused it, the
# address is known to be no good, or nobody ever agreed to it in a way that counts
_NOT_PERMITTED = """
    insert into takeover_findings
    with refused as (
        select
            consent.mailbox,
            min(consent.reason) as reason,
            bool_or(coalesce(entries.act = 'block' and block_reasons.reaches = 'mailbox', false)) as is_of_the_address,
            bool_or(coalesce(entries.act in ('withdraw', 'block'), false)) as is_refusal
        from sync_consent as consent
        left join {ledger} as entries on consent.event_id = entries.event_id
        left join {block_reasons} as block_reasons on entries.reason = block_reasons.reason
        where consent.purpose in (select purpose from sync_targets where destination = $destination)
        group by consent.mailbox
        having not bool_or(consent.is_allowed)
    )
    select
        case
            when refused.is_of_the_address then 'bad_address'
            when refused.is_refusal then 'said_no'
            else 'not_permitted'
        end,
        records.container, '', refused.reason, '', records.address, records.vendor_id, records.document_key,
        coalesce(known.customer_id, '')
    from takeover_records as records
    inner join refused on records.mailbox = refused.mailbox
    left join takeover_known as known on records.mailbox = known.mailbox
    where records.is_mailable
"""

# in a membership that we feed and not wanted there; where a mode lets nobody go, only a no makes anybody leave
_SHOULD_LEAVE = """
    insert into takeover_findings
    with places as (
        select container, membership, any_value(mode) as mode, list(distinct purpose) as purposes
        from sync_targets
        where destination = $destination
        group by container, membership
    ),
    decisions as (
        select container, membership, document_key, min(reason) as reason
        from sync_decisions
        where destination = $destination and reason is not null
        group by container, membership, document_key
    ),
    delivered as (
        select container, document_key, unnest(from_json(memberships, '["VARCHAR"]')) as membership
        from sync_delivered
        where destination = $destination
    ),
    unwanted as (
        select there.*, places.mode, places.purposes
        from takeover_memberships as there
        inner join places using (container, membership)
        anti join (select * from sync_wanted where destination = $destination) as wanted
            using (container, membership, document_key)
    ),
    judged as (
        select
            unwanted.container, unwanted.membership, unwanted.document_key, unwanted.mode,
            any_value(decisions.reason) as decision_reason,
            min(consent.reason) filter (not consent.is_allowed) as refusal,
            bool_or(coalesce(consent.is_allowed, false)) as is_allowed,
            bool_or(delivered.document_key is not null) as is_ours
        from unwanted
        inner join takeover_records as records using (container, document_key)
        left join decisions using (container, membership, document_key)
        left join delivered using (container, membership, document_key)
        left join sync_consent as consent
            on records.mailbox = consent.mailbox and list_contains(unwanted.purposes, consent.purpose)
        group by unwanted.container, unwanted.membership, unwanted.document_key, unwanted.mode
    )
    select
        'should_leave', judged.container, judged.membership,
        coalesce(judged.decision_reason, case when not judged.is_allowed then judged.refusal end, 'not_in_segment'),
        case when judged.is_ours then 'us' else 'others' end,
        records.address, records.vendor_id, records.document_key, coalesce(known.customer_id, '')
    from judged
    inner join takeover_records as records using (container, document_key)
    left join takeover_known as known on records.mailbox = known.mailbox
    where judged.mode in ('mirror', 'shadow') or not judged.is_allowed
"""

_MISSING = """
    insert into takeover_findings
    select
        'missing', wanted.container, wanted.membership,
        case
            when records.document_key is null then 'no_record'
            when not records.is_mailable then 'esp_' || records.status
            else 'not_in_membership'
        end,
        '', people.address, coalesce(records.vendor_id, ''), wanted.document_key, people.customer_id
    from sync_wanted as wanted
    inner join sync_people as people
        on wanted.destination = people.destination and wanted.document_key = people.document_key and people.is_picked
    left join takeover_records as records
        on wanted.container = records.container and wanted.document_key = records.document_key
    anti join takeover_memberships as there
        on wanted.container = there.container and wanted.membership = there.membership
        and wanted.document_key = there.document_key
    where wanted.destination = $destination
"""

_UNKNOWN = """
    insert into takeover_findings
    select 'unknown', container, '', 'esp_' || status, '', address, vendor_id, document_key, coalesce(known.customer_id, '')
    from takeover_records as records
    left join takeover_known as known on records.mailbox = known.mailbox
    where not coalesce(known.is_known_elsewhere, false)
"""

# what is paid for and reaches nobody: records that may not be mailed, and people who were written to often and reacted to nothing
_DEAD = """
    insert into takeover_findings
    with reactions as (
        select
            mailboxes.mailbox,
            sum(engagement.count_recent_sent) as count_recent_sent,
            sum(engagement.count_recent_reactions) as count_recent_reactions
        from (select distinct customer_id, mailbox from {mailboxes}) as mailboxes
        inner join {engagement} as engagement on mailboxes.customer_id = engagement.customer_id
        group by mailboxes.mailbox
    )
    select
        'dead', records.container, '', case when records.is_mailable then 'unengaged' else 'esp_' || records.status end,
        '', records.address, records.vendor_id, records.document_key, coalesce(known.customer_id, '')
    from takeover_records as records
    left join reactions on records.mailbox = reactions.mailbox
    left join takeover_known as known on records.mailbox = known.mailbox
    where records.is_billed
        and (
            not records.is_mailable
            or (reactions.count_recent_sent >= $deliveries and reactions.count_recent_reactions = 0)
        )
"""

_WRITTEN = """
    select distinct
        records.container, records.document_key, records.vendor_id, records.address, people.customer_id, people.fields,
        records.fields
    from takeover_records as records
    inner join sync_wanted as wanted
        on wanted.destination = $destination and wanted.container = records.container
        and wanted.document_key = records.document_key
    inner join sync_people as people
        on people.destination = $destination and people.document_key = records.document_key and people.is_picked
    order by records.container, records.document_key
"""


def create_findings(context: Context, destination: str, rules: Rules) -> None:
    """Make `takeover_findings` out of `takeover_records`, `takeover_memberships` and the plan's temporary tables.

    Raises SyncRefused when a model that says who is known, or who reacts, is not built.
    """
    warehouse = context.warehouse
    relations = {
        "records": _built(context, "customer_records"),
        "mailboxes": _built(context, "int_customer_mailboxes_collected"),
        "engagement": _built(context, "int_engagement_summed"),
        "ledger": _built(context, "consent_events"),
        "block_reasons": _built(context, "consent_block_reasons"),
    }
    named = {name: relation.sql for name, relation in relations.items()}
    warehouse.execute(_TABLE)
    warehouse.execute(_KNOWN.format(**named), {"destination": destination})
    for statement in (_NOT_PERMITTED.format(**named), _SHOULD_LEAVE, _MISSING):
        warehouse.execute(statement, {"destination": destination})
    warehouse.execute(_UNKNOWN)
    _differing(warehouse, destination, rules)
    warehouse.execute(_DEAD.format(**named), {"deliveries": context.settings.dbt_vars.get("unengaged_deliveries", 1)})


def _built(context: Context, model: str) -> Relation:
    relation = read_manifest(context.manifest).relation(model)
    if relation is None or not exists(context.warehouse, relation):
        raise SyncRefused(f"{model}: not built; run `mailhouse run` first")
    return relation


def _differing(warehouse: duckdb.DuckDBPyConnection, destination: str, rules: Rules) -> None:
    rows = warehouse.execute(_WRITTEN, {"destination": destination}).fetchall()
    found = [
        ("differs", container, "", name, "", address, vendor_id, key, customer_id)
        for container, key, vendor_id, address, customer_id, ours, theirs in rows
        for name in differing(json.loads(ours), json.loads(theirs), rules)
    ]
    create_temporary(warehouse, "takeover_differing", pa.schema([(name, pa.string()) for name in COLUMNS]), found)
    warehouse.execute("insert into takeover_findings select * from takeover_differing")


def differing(ours: Mapping[str, object], theirs: Mapping[str, object], rules: Rules) -> list[str]:
    """The fields of ours that the account holds otherwise, by the ESP's own way of keeping a value."""
    return [name for name, value in ours.items() if not rules.keeps(value, theirs.get(name))]
