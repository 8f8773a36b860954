"""Desired less delivered, as sets: what each document and each membership still owes its destination."""

import json
from datetime import datetime

import duckdb

from mailhouse.destinations import Change

# A call whose outcome nobody recorded may have been taken: what it added may be there (so it is taken away from who should
# not have it), and is not relied on (so it is sent again to who should).
_HAD = """
    create or replace temp table sync_had as
    with delivered as (
        select destination, container, document_key, mailbox, address, customer_id, vendor_id,
            unnest(from_json(memberships, '["VARCHAR"]')) as membership
        from sync_delivered
    ),
    rows_had as (
        select
            delivered.*,
            not exists (
                select 1 from sync_in_flight as flying
                where flying.action = 'leave' and flying.destination = delivered.destination
                    and flying.container = delivered.container and flying.document_key = delivered.document_key
                    and flying.membership = delivered.membership
            ) as is_sure
        from delivered
        union all
        select destination, container, document_key, mailbox, address, customer_id, vendor_id, membership,
            false as is_sure
        from sync_in_flight
        where action = 'add'
    )
    select
        destination, container, document_key, membership, bool_or(is_sure) as is_sure,
        max(mailbox) as mailbox, max(address) as address, max(customer_id) as customer_id, max(vendor_id) as vendor_id
    from rows_had
    group by destination, container, document_key, membership
"""

_PLACES = """
    create or replace temp table sync_places as
    select
        destination, container, membership,
        any_value(mode) as mode,
        bool_or(held_back is not null or not is_selected) as is_frozen
    from sync_targets
    group by destination, container, membership
"""

# Memberships that are not wanted by the rules of today and yet are left where they are.
_KEPT = """
    create or replace temp table sync_kept as
    select distinct had.destination, had.container, had.document_key, had.membership
    from (select * from sync_had anti join sync_wanted using (destination, container, document_key, membership)) as had
    left join sync_places as places
        on had.destination = places.destination and had.container = places.container and had.membership = places.membership
    where
        -- a segment that is held back, or not asked for, moves nobody; only a mirror lets people go; a no is stronger than both
        (
            (places.is_frozen or places.mode in ('upsert', 'update_only', 'insert_only'))
            and (
                $consent = 'missing'
                or exists (
                    select 1 from sync_targets as targets
                    inner join sync_consent as consent on targets.purpose = consent.purpose
                    where targets.destination = had.destination and targets.container = had.container
                        and targets.membership = had.membership and consent.mailbox = had.mailbox and consent.is_allowed
                )
            )
        )
        -- a membership that no segment feeds any more is taken away only by a plan of everything
        or (places.membership is null and not $everything)
        -- consent that cannot be relied on permits nothing new and refuses nothing old
        or exists (
            select 1 from sync_decisions as decisions
            where decisions.destination = had.destination and decisions.container = had.container
                and decisions.membership = had.membership and decisions.document_key = had.document_key
                and decisions.reason in ('consent_unavailable', 'consent_stale')
        )
"""

_MEMBERSHIPS = """
    create or replace temp table sync_memberships as
    select
        coalesce(wanted.destination, had.destination) as destination,
        coalesce(wanted.container, had.container) as container,
        coalesce(wanted.document_key, had.document_key) as document_key,
        coalesce(wanted.membership, had.membership) as membership,
        wanted.membership is not null as is_wanted,
        case
            when wanted.membership is not null and had.is_sure then 'stays'
            when wanted.membership is not null then 'add'
            when kept.membership is not null then 'kept'
            else 'remove'
        end as change,
        coalesce(places.mode = 'shadow', false) as is_shadow,
        coalesce(had.is_sure, false) as is_sure,
        had.address, had.mailbox, had.customer_id, had.vendor_id
    from sync_wanted as wanted
    full outer join sync_had as had
        on wanted.destination = had.destination and wanted.container = had.container
        and wanted.document_key = had.document_key and wanted.membership = had.membership
    left join sync_kept as kept
        on had.destination = kept.destination and had.container = kept.container
        and had.document_key = kept.document_key and had.membership = kept.membership
    left join sync_places as places
        on coalesce(wanted.destination, had.destination) = places.destination
        and coalesce(wanted.container, had.container) = places.container
        and coalesce(wanted.membership, had.membership) = places.membership
"""

# Only documents that owe something: of a million people few have changed, and only for those is the rest worked out.
_DOCUMENTS = """
    create or replace temp table sync_documents as
    with wanted as (
        select
            memberships.destination, memberships.container, memberships.document_key,
            bool_and(places.mode = 'insert_only') as is_inserted_only,
            bool_or(memberships.change = 'add') as is_joining
        from sync_memberships as memberships
        inner join sync_places as places using (destination, container, membership)
        where memberships.is_wanted and not memberships.is_shadow
        group by memberships.destination, memberships.container, memberships.document_key
    ),
    compared as (
        select
            wanted.destination, wanted.container, wanted.document_key, wanted.is_joining,
            people.customer_id, people.address, people.mailbox, people.fields, people.field_purposes,
            coalesce(nullif(delivered.vendor_id, ''), people.esp_id, '') as vendor_id,
            delivered.document_key is null
                or flying.document_key is not null
                or (
                    -- who is only to be inserted is never changed afterwards
                    not wanted.is_inserted_only
                    and (cast(delivered.fields as varchar) <> people.fields or delivered.address <> people.address)
                ) as is_changed
        from wanted
        inner join sync_people as people
            on wanted.destination = people.destination and wanted.document_key = people.document_key and people.is_picked
        left join sync_delivered as delivered
            on wanted.destination = delivered.destination and wanted.container = delivered.container
            and wanted.document_key = delivered.document_key
        left join (select distinct destination, container, document_key from sync_in_flight where action = 'write') as flying
            on wanted.destination = flying.destination and wanted.container = flying.container
            and wanted.document_key = flying.document_key
    ),
    owing as (
        select * from compared
        where is_changed or is_joining
    ),
    memberships as (
        select wanted.destination, wanted.container, wanted.document_key, list_sort(list(wanted.membership)) as memberships
        from sync_memberships as wanted
        semi join owing using (destination, container, document_key)
        where wanted.is_wanted and not wanted.is_shadow
        group by wanted.destination, wanted.container, wanted.document_key
    ),
    needs as (
        select
            decisions.destination, decisions.container, decisions.document_key,
            list_sort(list(distinct decisions.purpose)) as needs
        from sync_decisions as decisions
        semi join owing using (destination, container, document_key)
        where decisions.reason is null
        group by decisions.destination, decisions.container, decisions.document_key
    )
    select
        owing.* exclude (field_purposes, is_joining),
        -- a field with a purpose of its own was put in because that purpose was granted
        list_sort(list_distinct(list_concat(needs.needs, owing.field_purposes))) as needs,
        md5(owing.address || chr(10) || owing.fields || chr(10) || cast(to_json(memberships.memberships) as varchar)) as row_hash
    from owing
    inner join memberships using (destination, container, document_key)
    inner join needs using (destination, container, document_key)
"""

_CHANGES = """
    create or replace temp table sync_changes as
    with moves as (
        select
            memberships.destination, memberships.container, memberships.document_key,
            list_sort(list(memberships.membership) filter (change = 'add' and attempts.membership is null)) as joins,
            list_sort(list(memberships.membership) filter (change = 'remove' and attempts.membership is null)) as leaves,
            max(memberships.address) as address, max(memberships.mailbox) as mailbox, max(memberships.customer_id) as customer_id,
            max(memberships.vendor_id) as vendor_id
        from sync_memberships as memberships
        -- a removal, or a joining, that was refused waits for its time
        left join sync_attempts as attempts
            on attempts.action = case memberships.change when 'remove' then 'leave' when 'add' then 'join' end
            and memberships.destination = attempts.destination and memberships.container = attempts.container
            and memberships.document_key = attempts.document_key and memberships.membership = attempts.membership
            and attempts.next_try_at > $now
        where
            not memberships.is_shadow
            and (
                memberships.change in ('add', 'remove')
                or (memberships.destination, memberships.container, memberships.document_key) in (
                    select documents.destination, documents.container, documents.document_key from sync_documents as documents
                )
            )
        group by memberships.destination, memberships.container, memberships.document_key
    ),
    owed as (
        select
            moves.destination, moves.container, moves.document_key,
            coalesce(documents.customer_id, moves.customer_id) as customer_id,
            coalesce(documents.address, moves.address) as address,
            coalesce(documents.mailbox, moves.mailbox) as mailbox,
            coalesce(documents.fields, '{}') as fields,
            coalesce(documents.row_hash, '') as row_hash,
            coalesce(documents.vendor_id, moves.vendor_id, '') as vendor_id,
            coalesce(documents.is_changed, false) as is_changed,
            coalesce(documents.is_changed or len(moves.joins) > 0, false) as is_owed,
            -- a document that was refused as it is waits for its time, or for a change
            attempts.document_key is not null as is_waiting,
            moves.joins, moves.leaves,
            documents.needs
        from moves
        left join sync_documents as documents
            on moves.destination = documents.destination and moves.container = documents.container
            and moves.document_key = documents.document_key
        left join sync_attempts as attempts
            on documents.destination = attempts.destination and documents.container = attempts.container
            and documents.document_key = attempts.document_key and attempts.action = 'write'
            and documents.row_hash = attempts.row_hash and attempts.next_try_at > $now
    )
    select *, is_owed and not is_waiting as is_sent, is_changed and not is_waiting as is_written
    from owed
    where is_owed or len(leaves) > 0
"""


def create_difference(connection: duckdb.DuckDBPyConnection, consent: str, everything: bool, now: datetime) -> None:
    """Make `sync_memberships` (each with its change) and `sync_changes` (each document that owes something)."""
    connection.execute(_HAD)
    connection.execute(_PLACES)
    connection.execute(_KEPT, {"consent": consent, "everything": everything})
    connection.execute(_MEMBERSHIPS)
    connection.execute(_DOCUMENTS)
    connection.execute(_CHANGES, {"now": now})


def changes(connection: duckdb.DuckDBPyConnection) -> list[Change]:
    """The documents that are to be sent or to leave, in a stable order."""
    rows = connection.execute(
        """
        select
            destination, container, document_key, customer_id, address, mailbox, fields, row_hash,
            is_sent, is_written, joins, leaves, needs, vendor_id
        from sync_changes
        where is_sent or len(leaves) > 0
        order by destination, container, document_key
        """
    ).fetchall()
    return [
        Change(
            *head,
            write=written,
            add=tuple(joins or ()) if sent else (),
            remove=tuple(leaves or ()),
            needs=tuple(needs or ()),
            vendor_id=vendor_id,
        )
        for *head, sent, written, joins, leaves, needs, vendor_id in rows
    ]


def membership_counts(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    """Per membership (destination, container, membership): had, adds, updates, removals, unchanged, waiting, kept."""
    return connection.execute(
        """
        select
            memberships.destination, memberships.container, memberships.membership,
            count(*) filter (change in ('stays', 'remove', 'kept')),
            count(*) filter (change = 'add' and (is_shadow or (is_sent and list_contains(changes.joins, membership)))),
            count(*) filter (change = 'stays' and coalesce(is_written, false)),
            count(*) filter (change = 'remove' and (is_shadow or list_contains(changes.leaves, membership))),
            count(*) filter (change = 'stays' and not coalesce(is_owed, false)),
            count(*) filter (
                (
                    is_wanted and not is_shadow
                    and coalesce(is_waiting and is_owed or change = 'add' and not list_contains(joins, membership), false)
                )
                or (change = 'remove' and not is_shadow and not coalesce(list_contains(changes.leaves, membership), false))
            ),
            count(*) filter (change = 'kept')
        from sync_memberships as memberships
        left join sync_changes as changes
            on memberships.destination = changes.destination and memberships.container = changes.container
            and memberships.document_key = changes.document_key
        group by 1, 2, 3
        order by 1, 2, 3
        """
    ).fetchall()


def new_contacts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Destination -> records that do not exist there as far as is known, and would."""
    rows = connection.execute(
        """
        select changes.destination, count(*)
        from sync_changes as changes
        inner join sync_people as people
            on changes.destination = people.destination and changes.document_key = people.document_key and people.is_picked
        where changes.is_written and changes.vendor_id = '' and people.esp_status is null
            and not exists (
                select 1 from sync_delivered as delivered
                where delivered.destination = changes.destination and delivered.container = changes.container
                    and delivered.document_key = changes.document_key
            )
        group by changes.destination
        """
    ).fetchall()
    return dict(rows)


def refusals(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], dict[str, int]]:
    """Per membership: reason -> people who are in a segment of it and not let through."""
    rows = connection.execute(
        """
        select destination, container, membership, reason, count(distinct customer_id)
        from sync_decisions
        where reason is not null
        group by all
        order by all
        """
    ).fetchall()
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for destination, container, membership, reason, people in rows:
        found.setdefault((destination, container, membership), {})[reason] = people
    return found


def dumps(value: object) -> str:
    """Canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
