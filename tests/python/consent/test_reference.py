"""The compiled SQL decides as the re-mail rule does, ledger by ledger."""

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

import pytest

from mailhouse.consent.decide import Decider
from tests.python.consent.ledgers import NOW, PURPOSES, generate
from tests.python.consent.remail_rule import LAWS, World, allows

SEED, COUNT = 20_260_601, 6_000


def worlds(tables: dict[str, Any], countries: list[Any]) -> dict[str, World]:
    """Each ledger by its number, which every name in it ends with."""
    made = {str(number): World(LAWS[country]) for number, country in enumerate(countries)}
    for act in tables["consent_events"].to_pylist():
        made[number_of(act["mailbox"])].acts.append(act)
    for row in tables["int_identities_resolved"].to_pylist():
        made[number_of(row["record_key"])].person_of[row["record_key"]] = row["customer_id"]
    for row in tables["int_customer_mailboxes_collected"].to_pylist():
        made[number_of(row["mailbox"])].uses.add((row["customer_id"], row["mailbox"]))
    return made


def number_of(name: str) -> str:
    return name.split(".")[-1]


def test_the_sql_decides_as_the_rule_does(decider: Decider) -> None:
    ledgers = generate(SEED, COUNT)
    decider.give(ledgers.tables)
    decided = {
        (row["mailbox"], row["purpose"], row["brand"]): row for row in decider.decide().to_pylist() if row["channel"] == "email"
    }
    now: datetime = NOW.replace(tzinfo=None)
    differ: dict[str, list[Any]] = defaultdict(list)
    seen: Counter[tuple[str, str]] = Counter()
    for number, world in worlds(ledgers.tables, ledgers.countries["country"].to_pylist()).items():
        for mailbox in (f"m{k}.{number}" for k in range(3)):
            for _, purpose, _ in PURPOSES:
                for brand in ("default", "other"):
                    row = decided.get((mailbox, purpose, brand), {"decision": "deny", "reason": "nothing known"})
                    expected = "allow" if allows(world, mailbox, purpose, brand, now) else "deny"
                    seen[expected, row["reason"]] += 1
                    if row["decision"] != expected:
                        differ[row["reason"]].append((mailbox, purpose, brand, expected, row, world))
    assert not differ, {reason: (len(cases), cases[0]) for reason, cases in differ.items()}
    # each way to a yes and to a no was walked, and often
    assert min(seen["allow", reason] for reason in ("double_opt_in", "single_opt_in", "no_objection", "implied_by_purchase")) > 50
    assert min(seen["deny", reason] for reason in ("unsubscribed", "complaint", "hard_bounce", "no_proof", "no_consent")) > 100


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(20))
def test_the_sql_decides_as_the_rule_does_on_many_more(decider: Decider, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr("tests.python.consent.test_reference.SEED", seed)
    monkeypatch.setattr("tests.python.consent.test_reference.COUNT", 20_000)
    test_the_sql_decides_as_the_rule_does(decider)
