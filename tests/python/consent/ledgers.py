"""Many small random ledgers in one set of tables: each has people of its own, who share mailboxes and say contrary things.

Everything is a function of the seed. Times lie on a coarse grid so that ties are common, and every corner of the rule is
rolled often: unknown and future times, unknown records, countries, purposes, channels and reasons, shared mailboxes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from mailhouse.consent.ledger import clock_table

SEEDS = Path(__file__).resolve().parents[3] / "seeds"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
PURPOSES = (("email", "marketing_email", False), ("email", "personalisation", True))
COUNTRIES = ("DE", "FR", "GB", "CA", "AU", "US", "US", "US", None)

# who is who: person a uses m0 and often m1; a second person, in some ledgers, shares m0 or m1 or has m2 alone
GENERATE = """
create macro dice(n, k, what, sides) as cast(hash(concat(n, '/', k, '/', what, '/{seed}')) % sides as bigint);
create table ledger as select n, 1 + dice(n, 0, 'acts', 7) as acts, dice(n, 0, 'a', 5) < 2 as has_m1, dice(n, 0, 'b', 6) as b,
    {countries}[1 + dice(n, 0, 'country', {count_countries})] as country
    from range({count}) as numbers(n);
create table int_customer_mailboxes_collected as
    select 'a' || n as customer_id, 'm0.' || n as mailbox from ledger
    union all select 'a' || n, 'm1.' || n from ledger where has_m1
    union all select 'b' || n, 'm0.' || n from ledger where b = 0
    union all select 'b' || n, 'm1.' || n from ledger where b in (1, 2)
    union all select 'b' || n, 'm2.' || n from ledger where b in (2, 3);
create table int_identities_resolved as
    select 'r' || k || '.' || n as record_key, 'a' || n as customer_id from ledger, range(2) as records(k)
    union all select 'r2.' || n, 'b' || n from ledger where b < 4;
create table int_mailbox_jurisdictions_decided as
    select 'm' || k || '.' || n as mailbox, jurisdictions.* exclude (country_code, strictness)
    from ledger inner join jurisdictions using (country), range(3) as mailboxes(k);
create table rolled as
    select n, k, dice(n, k, 'kind', 40) as kind, dice(n, k, 'proof', 20) as proof, dice(n, k, 'purpose', 20) as about,
        dice(n, k, 'channel', 40) as channel, dice(n, k, 'brand', 40) as brand, dice(n, k, 'time', 24) as slot,
        dice(n, k, 'heard', 6) as delay, dice(n, k, 'implied', 8) as age,
        'r' || dice(n, k, 'record', 4) || '.' || n as record_key, 'm' || dice(n, k, 'mailbox', 3) || '.' || n as mailbox
    from ledger, range(7) as turns(k) where k < acts;
create table acted as
    select *,
        case when kind < 8 then 'withdraw' when kind < 13 then 'block' when kind < 24 then 'grant' when kind < 28 then 'state'
            when kind < 34 then 'imply' else 'collect' end as act,
        case when kind < 8 then 'unsubscribed'
            when kind < 13 then ['complaint', 'hard_bounce', 'hard_bounce', 'trap_address', 'a new word'][kind - 7]
            when kind < 34 and kind >= 28 then ['purchase', 'purchase_with_opt_out', 'inquiry'][1 + kind % 3]
            else 'said' end as reason
    from rolled;
create table consent_events as
    select 'e' || k || '.' || n as event_id, record_key, 'Address.' || k || '.' || mailbox as address, mailbox,
        case when channel = 0 then 'sms' when channel = 1 and act in ('withdraw', 'block') then '*' else 'email' end as channel,
        case
            when act in ('withdraw', 'block')
                then case when about < 10 then '*' when about < 15 then 'marketing_email' when about < 19 then 'personalisation'
                    else 'unheard_of' end
            when act in ('imply', 'collect') then '*'
            when about < 13 then 'marketing_email' when about < 19 then 'personalisation' else 'unheard_of'
        end as purpose,
        case when brand = 0 then 'other' when brand = 1 and act in ('withdraw', 'block') then '*' else 'default' end as brand,
        act, reason, cast(null as varchar) as evidence,
        case when act in ('grant', 'state')
            then case when proof < 9 then 'double_opt_in' when proof < 17 then 'single_opt_in' else 'none' end end as proof,
        case
            when slot = 0 then null
            when slot = 1 then timestamp '2030-01-01'
            when act = 'imply' then {now} - interval 1 month * [5, 6, 7, 11, 23, 24, 25, 40][1 + age]
                + interval 1 second * (slot % 3 - 1)
            else timestamp '2026-01-01' + interval 1 day * (slot % 8) + interval 1 minute * [0, 0, 4, 5, 6, 0][1 + delay]
        end as occurred_at,
        timestamp '2026-01-01' + interval 1 day * (slot % 8 + case when delay = 5 then 9 else 0 end) as received_at
    from acted;
"""
TABLES = (
    *("consent_events", "int_identities_resolved", "int_customer_mailboxes_collected", "int_mailbox_jurisdictions_decided"),
    *("consent_purposes", "consent_block_reasons", "jurisdictions"),
)


@dataclass(frozen=True)
class Ledgers:
    """The tables that a decision reads, by the names of the models; `countries` is by ledger."""

    tables: Mapping[str, pa.Table]
    countries: pa.Table

    def with_acts(self, query: str, **more: pa.Table) -> dict[str, pa.Table]:
        """The tables with other acts: `query` reads `acts` (the ledgers' own) and the tables in `more`."""
        return {**self.tables, "consent_events": ask(query, acts=self.tables["consent_events"], **more)}


def ask(query: str, **tables: pa.Table) -> pa.Table:
    """One query on Arrow tables."""
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        return connection.execute(query).to_arrow_table()


def generate(seed: int, count: int) -> Ledgers:
    """`count` ledgers; prints the seed so that a failure can be had again."""
    print(f"seed {seed}, {count:,} ledgers")
    with duckdb.connect() as connection:
        connection.execute(f"create table jurisdictions as from read_csv('{SEEDS / 'jurisdictions.csv'}')")
        connection.execute("alter table jurisdictions add column country varchar")
        connection.execute("update jurisdictions set country = country_code")
        connection.execute(f"create table consent_block_reasons as from read_csv('{SEEDS / 'consent_block_reasons.csv'}')")
        connection.execute("create table consent_purposes (channel varchar, purpose varchar, is_opt_in_only boolean)")
        connection.executemany("insert into consent_purposes values (?, ?, ?)", PURPOSES)
        countries = "[" + ", ".join("null" if one is None else f"'{one}'" for one in COUNTRIES) + "]"
        now = f"timestamp '{NOW:%Y-%m-%d %H:%M:%S}'"
        connection.execute(GENERATE.format(seed=seed, count=count, countries=countries, count_countries=len(COUNTRIES), now=now))
        tables = {name: connection.execute(f"from {name}").to_arrow_table() for name in TABLES}
        countries_of = connection.execute("select n, country from ledger order by n").to_arrow_table()
    return Ledgers({**tables, **clock_table(NOW)}, countries_of)
