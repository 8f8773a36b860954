"""What a batch's decision reads of the ledger is enough: on the batch alone it is what it is on everybody.

Of the default brand, the only one that is written for: another brand is decided where the acts at hand name it.
"""

import random

from mailhouse.consent.compiled import DecisionSql
from mailhouse.consent.decide import Decider, Tables
from mailhouse.consent.ledger import WarehouseLedger, clock_table
from tests.python.consent.ledgers import NOW, generate

SEED, COUNT, BATCHES = 7, 2_000, 8


def test_a_batch_is_decided_as_everybody_is(sql: DecisionSql) -> None:
    ledgers = generate(SEED, COUNT)
    dice = random.Random(SEED)
    mailboxes = sorted(set(ledgers.tables["consent_events"]["mailbox"].to_pylist()))
    with Tables(sql) as warehouse, Tables(sql) as copy, Decider(sql) as decider:
        warehouse.give(ledgers.tables)
        decider.give(ledgers.tables)
        everybody = decider.decide().to_pylist()
        ledger = WarehouseLedger(warehouse.connection, sql)
        for size in dice.choices((1, 3, 40, 400), k=BATCHES):
            batch = set(dice.sample(mailboxes, size))
            expected = sorted((row for row in everybody if row["mailbox"] in batch and row["brand"] == "default"), key=repr)
            # read ahead for many, then from that copy for the batch, as a run does it
            copy.give(ledger.about(batch.union(dice.sample(mailboxes, 500))))
            for source in (ledger, WarehouseLedger(copy.connection, sql)):
                decider.give({**source.about(batch), **clock_table(NOW)})
                found = [row for row in decider.decide(batch).to_pylist() if row["brand"] == "default"]
                assert sorted(found, key=repr) == expected, f"batch of {size}"
