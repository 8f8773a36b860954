"""What must hold of every ledger, on 100,000 random ones at once (R4 to R8 and R11 of the rule).

Each is decided as it is, once more in disorder, and once more after something has happened to it: a quarter of the ledgers
hears one more refusal everywhere, a quarter old opt-ins, and in the last two quarters two people turn out to be one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

from mailhouse.consent.compiled import DecisionSql
from mailhouse.consent.decide import REACHED, Decider
from tests.python.consent.ledgers import Ledgers, ask, generate

SEED, COUNT = 41, 100_000
QUARTER = "cast(split_part({name}, '.', 2) as bigint) % 4"

# R4: shuffled, some acts twice, and what was known at some earlier time told once more by others
DISORDER = """
    select * from (
        from acts
        union all from acts where hash(event_id, 'twice') % 4 = 0
        union all select acts.* replace (event_id || ' again' as event_id) from acts
        where received_at <= timestamp '2026-01-01' + interval 1 day * cast(hash(split_part(mailbox, '.', 2)) % 8 as bigint)
    )
    order by hash(event_id, 'shuffle')
"""
# R5: one withdrawal, bounce, complaint or other block of any time, known or not, at each mailbox
REFUSED = f"""
    select distinct on (mailbox)
        'new ' || mailbox as event_id, record_key, address, mailbox, channel, brand,
        ['*', 'marketing_email', 'personalisation', 'unheard_of'][1 + cast(hash(mailbox || 'p') % 4 as bigint)] as purpose,
        case when kind = 0 then 'withdraw' else 'block' end as act,
        ['unsubscribed', 'hard_bounce', 'complaint', 'trap_address', 'a new word'][1 + kind] as reason,
        case when hash(mailbox || 't') % 9 > 0 then timestamp '2026-01-01' + interval 6 hour * slot end as occurred_at,
        timestamp '2026-02-01' as received_at
    from (
        select *, cast(hash(mailbox || 'k') % 5 as bigint) as kind, cast(hash(mailbox || 's') % 60 as bigint) as slot from acts
    )
    where {QUARTER.format(name="mailbox")} = 0
    order by mailbox, event_id
"""
# R6: a confirmed opt-in at or before each last withdrawal, and a flag after it
OPTED_IN = f"""
    with withdrawn as (
        select mailbox, purpose, brand, nullif(max(coalesce(effective_at, timestamp '9999-12-31')), '9999-12-31') as last_at
        from reached where act = 'withdraw' and {QUARTER.format(name="mailbox")} = 1
        group by all
    ),
    told as (
        select *, 'grant' as act,
            coalesce(last_at, timestamp '2026-05-01') - interval 1 hour * cast(hash(mailbox) % 3 as bigint) as occurred_at
        from withdrawn
        union all by name select *, 'state' as act, timestamp '2026-05-20' as occurred_at from withdrawn
    )
    select act || ' ' || mailbox || purpose || brand as event_id, 'no record' as record_key, mailbox as address, mailbox,
        'email' as channel, purpose, brand, act, 'said' as reason, 'double_opt_in' as proof, occurred_at,
        occurred_at as received_at
    from told
"""
# R7: of each two people in the last two quarters the second is the first
MERGED = """
    select * exclude (number)
        replace (case when customer_id[1] = 'a' and number % 4 = 3 then 'a' || (number - 1) else customer_id end as customer_id)
    from (select *, cast(substr(customer_id, 2) as bigint) as number from people)
"""


@dataclass(frozen=True)
class Decided:
    """The ledgers with their decisions, in disorder, and after something has happened; `tables` are those of the last."""

    ledgers: Ledgers
    status: pa.Table
    in_disorder: pa.Table
    tables: dict[str, pa.Table]
    afterwards: pa.Table

    def newly_allowed(self, quarters: str) -> list[dict[str, Any]]:
        """Who is allowed afterwards and was not before, in some quarters of the ledgers."""
        query = f"""
            select after.*, before.reason as was
            from after
            left join before using (mailbox, channel, purpose, brand)
            where after.decision = 'allow' and before.decision is distinct from 'allow'
                and {QUARTER.format(name="after.mailbox")} in ({quarters})
            limit 5
        """
        return ask(query, before=self.status, after=self.afterwards).to_pylist()


@pytest.fixture(scope="module")
def decided(sql: DecisionSql) -> Iterator[Decided]:
    ledgers = generate(SEED, COUNT)
    acts = ledgers.tables["consent_events"]
    with Decider(sql) as decider:
        decider.give(ledgers.tables)
        status, reached = decider.decide(), decider.rows(REACHED)
        decider.give({"consent_events": ask(DISORDER, acts=acts)})
        in_disorder = decider.decide()
        more = [ask(REFUSED, acts=acts), ask(OPTED_IN, reached=reached)]
        assert all(table.num_rows > COUNT / 5 for table in more)
        tables = {"consent_events": pa.concat_tables([acts, *more], promote_options="default")}
        for name in ("int_identities_resolved", "int_customer_mailboxes_collected"):
            tables[name] = ask(MERGED, people=ledgers.tables[name])
        decider.give(tables)
        yield Decided(ledgers, status, in_disorder, tables, decider.decide())


def test_the_ledgers_say_yes_and_no_often_enough(decided: Decided) -> None:
    counts = ask("select decision, reason, count(*) as rows from status group by all", status=decided.status).to_pylist()
    assert len(counts) > 12 and min(row["rows"] for row in counts) > 200
    assert sum(row["rows"] for row in counts if row["decision"] == "allow") > COUNT / 2


def test_order_repetition_and_old_snapshots_change_nothing(decided: Decided) -> None:
    same = "(select * replace (replace(event_id, ' again', '') as event_id) from after)"
    differ = f"(from {same} except from before) union all (from before except from {same})"
    assert ask(differ, before=decided.status, after=decided.in_disorder).to_pylist() == []


def test_one_refusal_more_never_permits(decided: Decided) -> None:
    assert decided.newly_allowed("0") == []
    denied = """
        select count(*) as rows
        from before
        inner join after using (mailbox, channel, purpose, brand)
        where before.decision = 'allow' and after.decision = 'deny'
    """
    assert ask(denied, before=decided.status, after=decided.afterwards)["rows"][0].as_py() > COUNT / 20


def test_no_opt_in_from_before_the_last_withdrawal_permits(decided: Decided) -> None:
    assert decided.newly_allowed("1") == []


def test_two_people_who_become_one_keep_every_refusal_of_both(decided: Decided) -> None:
    assert decided.newly_allowed("2, 3") == []
    others_complaints = """
        select count(*) as rows, count(*) filter (where after.decision = 'allow') as allowed
        from acts
        inner join records on acts.record_key = records.record_key
        inner join people on records.customer_id = people.customer_id
        inner join after on people.mailbox = after.mailbox and after.brand = 'default'
        where acts.reason = 'complaint' and acts.purpose = '*' and acts.brand in ('*', 'default')
            and split_part(people.mailbox, '.', 2) <> split_part(acts.mailbox, '.', 2)
    """
    names = {"acts": "consent_events", "records": "int_identities_resolved", "people": "int_customer_mailboxes_collected"}
    tables = {name: decided.tables[model] for name, model in names.items()}
    found = ask(others_complaints, after=decided.afterwards, **tables).to_pylist()[0]
    assert found["rows"] > 1_000 and found["allowed"] == 0


def test_a_grant_permits_the_address_it_was_given_for_and_no_other(decided: Decided) -> None:
    """R8, the narrow side; the wide side is in test_last_look.py, where addresses become mailboxes."""
    wrong = ask(
        """
        select status.*
        from status
        left join acts using (event_id)
        where status.decision = 'allow'
            and (acts.mailbox is distinct from status.mailbox or acts.address is distinct from status.address)
        limit 5
        """,
        status=decided.status,
        acts=decided.ledgers.tables["consent_events"],
    )
    assert wrong.to_pylist() == []


def test_nobody_is_written_to_without_the_proof_that_the_place_asks(decided: Decided) -> None:
    """R11, and each yes rests on an entry of the ledger (R10)."""
    wrong = ask(
        """
        select status.*, acts.act, acts.proof
        from status
        left join acts using (event_id)
        left join policies on status.mailbox = policies.mailbox
        where status.decision = 'allow' and not coalesce(case coalesce(policies.proof_required, 'double_opt_in')
            when 'double_opt_in' then acts.proof = 'double_opt_in'
            when 'opt_in' then acts.proof in ('single_opt_in', 'double_opt_in')
                or (acts.act = 'imply' and status.purpose = 'marketing_email')
            else acts.event_id is not null
                and (status.purpose = 'marketing_email' or acts.proof in ('single_opt_in', 'double_opt_in'))
        end, false)
        limit 5
        """,
        status=decided.status,
        acts=decided.ledgers.tables["consent_events"],
        policies=decided.ledgers.tables["int_mailbox_jurisdictions_decided"],
    )
    assert wrong.to_pylist() == []
