"""Who may be written to through which audience: one row a person and audience, allowed or the first reason why not."""

import duckdb
import pyarrow as pa

# a number from 0 to 1 that is the same for the same person and audience for ever
_SALTED = "md5({salt} || ':' || targets.container || ':' || targets.membership || ':' || members.customer_id)"
_SHARE = f"cast('0x' || substr({_SALTED}, 1, 8) as bigint) / 4294967296.0"

_CANDIDATES = f"""
    create or replace temp table sync_candidates as
    with people as (
        select distinct on (destination, customer_id) * from sync_people order by destination, customer_id, document_key
    ),
    -- whoever was held out once stays so, by the customer or by the mailbox, which a merge of customers does not change
    held_customers as (
        select distinct destination, container, membership, customer_id from sync_holdouts
    ),
    held_mailboxes as (
        select distinct destination, container, membership, mailbox from sync_holdouts where mailbox <> ''
    )
    select
        members.target_id,
        members.customer_id,
        targets.segment,
        targets.destination,
        targets.container,
        targets.membership,
        targets.purpose,
        targets.priority,
        people.document_key,
        people.mailbox,
        consent.event_id as ledger_event_id,
        {_SHARE.format(salt="'rollout'")} < targets.rollout as is_in_rollout,
        case
            when people.customer_id is null then 'not_in_profiles'
            when people.address is null then 'no_address'
            when not people.is_valid then 'invalid_address'
            when $consent = 'missing' then 'consent_unavailable'
            when consent.mailbox is null then 'no_consent_record'
            when not consent.is_allowed then consent.reason
            when $consent = 'stale' then 'consent_stale'
            -- the ESP's own view is a second lock: whoever is not plainly subscribed there is not written to
            when people.esp_status <> 'subscribed' then 'esp_' || people.esp_status
            when
                targets.mode = 'update_only'
                and delivered.document_key is null and people.esp_status is null and people.esp_id is null then 'not_there'
            when
                targets.mode = 'insert_only'
                and delivered.document_key is null
                and (people.esp_status is not null or people.esp_id is not null) then 'already_there'
            when
                targets.holdout > 0
                and (
                    {_SHARE.format(salt="'holdout'")} < targets.holdout
                    or held_customers.customer_id is not null or held_mailboxes.mailbox is not null
                ) then 'held_out'
        end as refusal
    from sync_members as members
    inner join sync_targets as targets on members.target_id = targets.target_id
    left join people on targets.destination = people.destination and members.customer_id = people.customer_id
    left join sync_consent as consent on people.mailbox = consent.mailbox and targets.purpose = consent.purpose
    left join sync_delivered as delivered
        on targets.destination = delivered.destination and targets.container = delivered.container
        and people.document_key = delivered.document_key
    left join held_customers
        on targets.destination = held_customers.destination and targets.container = held_customers.container
        and targets.membership = held_customers.membership and members.customer_id = held_customers.customer_id
    left join held_mailboxes
        on targets.destination = held_mailboxes.destination and targets.container = held_mailboxes.container
        and targets.membership = held_mailboxes.membership and people.mailbox = held_mailboxes.mailbox
"""

# Of the audiences of one destination that have a priority, a person who may join several is in the highest only; a tie goes
# to the segment that comes first by name. One without a priority takes no part.
_DECISIONS = """
    create or replace temp table sync_decisions as
    with winners as (
        select destination, customer_id, arg_max(target_id, (priority, -target_id)) as target_id
        from sync_candidates
        where priority <> 0 and refusal is null and is_in_rollout
        group by destination, customer_id
    )
    select
        candidates.* exclude (refusal, is_in_rollout, priority),
        case
            when candidates.refusal is not null then candidates.refusal
            when candidates.priority <> 0 and winners.target_id <> candidates.target_id then 'lower_priority'
            when not candidates.is_in_rollout then 'not_yet_in_rollout'
        end as reason
    from sync_candidates as candidates
    left join winners on candidates.destination = winners.destination and candidates.customer_id = winners.customer_id
"""

_WANTED = """
    create or replace temp table sync_wanted as
    select distinct decisions.destination, decisions.container, decisions.document_key, decisions.membership
    from sync_decisions as decisions
    inner join sync_targets as targets on decisions.target_id = targets.target_id
    where decisions.reason is null
        -- a membership that several segments feed waits for all of them
        and not exists (
            select 1 from sync_targets as others
            where others.destination = decisions.destination and others.container = decisions.container
                and others.membership = decisions.membership and (others.held_back is not null or not others.is_selected)
        )
"""

_TABLE = """
    select segment, destination, container, membership, customer_id, document_key, mailbox, ledger_event_id, reason
    from sync_decisions
    inner join sync_targets using (target_id, segment, destination, container, membership, purpose)
    where is_selected
    order by all
"""


def create_decisions(connection: duckdb.DuckDBPyConnection, consent: str) -> None:
    """Make `sync_decisions` (`reason` null for those who are in) and `sync_wanted`, one row each membership that should be."""
    connection.execute(_CANDIDATES, {"consent": consent})
    connection.execute(_DECISIONS)
    connection.execute(_WANTED)


def decisions_table(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The decisions of the selected segments, one row a person and audience."""
    return connection.execute(_TABLE).to_arrow_table()
